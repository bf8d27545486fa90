# Tandem's images. Targets: `app` (web, worker, beat, migrate), `cron` (a host with Debian's cron) and `flower`.
# To pin the bytes as well as the version, add the digest that `docker buildx imagetools inspect` shows to each FROM.

FROM python:3.13.15-slim-trixie AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
RUN ["python", "-m", "venv", "/opt/tandem"]
COPY requirements/run.txt /build/
# Wheels only: nothing is compiled, so no stage has a compiler, and no package's own code runs at build time.
RUN ["/opt/tandem/bin/pip", "install", "--require-hashes", "--only-binary=:all:", "-r", "/build/run.txt"]

FROM packages AS packages-flower
COPY docker/flower.txt /build/
RUN ["/opt/tandem/bin/pip", "install", "--require-hashes", "--only-binary=:all:", "-r", "/build/flower.txt"]

FROM python:3.13.15-slim-trixie AS app
ENV DJANGO_SETTINGS_MODULE=settings.production \
    PATH=/opt/tandem/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TANDEM_VAR=/var/lib/tandem
# Fixed numbers: volumes and the tmpfs options in docker/stack.yml name them. Named volumes take over the folders' owner.
RUN groupadd --gid 10001 tandem \
 && useradd --uid 10001 --gid tandem --no-create-home --home-dir /var/lib/tandem --shell /usr/sbin/nologin tandem \
 && install --directory --owner tandem --group tandem --mode 0700 \
      /var/lib/tandem /srv/tandem/backups /srv/tandem/files
COPY --from=packages /opt/tandem /opt/tandem
WORKDIR /app
COPY . .
# The file system is read-only at run time: without this every start would compile everything again.
RUN ["python", "-m", "compileall", "-q", "/app"]
USER 10001:10001
CMD ["python", "-m", "uvicorn", "settings.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--http", "api.limits.slow_headers:Patient"]

FROM app AS cron
# hadolint ignore=DL3002
USER 0:0
# The group comes first, with a fixed number: the tmpfs that holds the crontabs belongs to it. As its member the user can
# write a crontab where no-new-privileges takes the setgid bit of crontab(1) away.
# pam_loginuid fails in containers (Debian bug 726661), and cron then runs nothing: in a container nobody has logged in.
# Debian's mirrors keep only the newest version of a package, so cron cannot be pinned.
# hadolint ignore=DL3008
RUN groupadd --system --gid 10002 crontab \
 && apt-get update \
 && apt-get install --yes --no-install-recommends cron \
 && rm -rf /var/lib/apt/lists/* /etc/cron.d/* /etc/cron.daily/* \
 && sed -i '/pam_loginuid/d' /etc/pam.d/cron \
 && usermod --append --groups crontab tandem
# Root only for cron's daemon itself; the agent, and all that cron runs, are the user `tandem`.
CMD ["python", "docker/cron_host.py", "--user", "tandem", "--", "python", "manage.py", "crontab_agent"]

FROM app AS flower
COPY --from=packages-flower /opt/tandem /opt/tandem
CMD ["python", "-m", "celery", "-A", "settings.celery", "flower", "--conf=docker/flower_config.py"]

# What a plain `docker build .` makes.
FROM app
