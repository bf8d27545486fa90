"""How is a token asked for and shown?"""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.fields import Choice, Instant, StrictSerializer, Text
from api.models import ApiToken
from api.owned import Owner
from api.permissions import ALL_SCOPES


class TokenInput(StrictSerializer):
    """A token that is wanted."""

    name = Text(max_length=100, help_text="What the token is for.")
    scopes = serializers.ListField(
        child=Choice(choices=ALL_SCOPES),
        min_length=1,
        max_length=len(ALL_SCOPES),
        help_text="What it may be used for, if the role of its user allows it.",
    )
    owner = Owner(
        required=False, allow_null=True, help_text="The only owner whose things it is for; that of your own token."
    )
    user = Text(required=False, max_length=254, help_text="Whose token it is: yours if not given. Admins only.")
    expires_at = Instant(required=False, help_text="At most 3650 days away; after TOKEN_DAYS if not given.")


class TokenOutput(serializers.Serializer[ApiToken]):
    """A token, without its text."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the token begins.")
    user = serializers.SerializerMethodField(help_text="The name of its user.")
    owner = Owner(source="owner_id", allow_null=True, help_text="The only owner whose things it is for, if any.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=ALL_SCOPES))
    created_at = Instant()
    created_by = serializers.SerializerMethodField(help_text="Who made it; null for the command line.")
    expires_at = Instant()
    last_used_at = Instant(allow_null=True, help_text="To the minute; null if it was never used.")
    revoked_at = Instant(allow_null=True)

    def get_user(self, token: ApiToken) -> str:
        return token.user.get_username()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_created_by(self, token: ApiToken) -> str | None:
        return token.created_by.get_username() if token.created_by else None


class NewTokenOutput(TokenOutput):
    """A new token, with its text: nobody can ask for that again."""

    token = serializers.SerializerMethodField(help_text="Send it as `Authorization: Bearer TOKEN`.")

    def get_token(self, _: ApiToken) -> str:
        return str(self.context["text"])
