"""Users who log in with an e-mail address, as many projects have them."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class Account(AbstractBaseUser, PermissionsMixin):
    """Has neither a username nor `is_staff`."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager["Account"]()

    USERNAME_FIELD = "email"

    class Meta:
        app_label = "accounts"

    def __str__(self) -> str:
        return self.email
