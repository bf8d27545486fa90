# Tandem's images. Targets: `app` (web, worker, beat, migrate), `cron` (a host with Debian's cron) and `flower`.
# `docker/pin_digests.py` adds the digest of each base image to its tag: it pins the bytes as well as the version.

FROM python:3.13.15-slim-trixie AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
# Without a pip of its own: the base image's installs into it.
RUN ["python", "-m", "venv", "--without-pip", "/opt/tandem"]
COPY requirements/run.txt /build/
# Wheels only: nothing is compiled, so no stage has a compiler, and no package's own code runs at build time.
RUN ["python", "-m", "pip", "--python", "/opt/tandem/bin/python", "install", "--require-hashes", "--only-binary=:all:", "-r", "/build/run.txt"]

FROM packages AS packages-flower
COPY docker/flower.txt /build/
RUN ["python", "-m", "pip", "--python", "/opt/tandem/bin/python", "install", "--require-hashes", "--only-binary=:all:", "-r", "/build/flower.txt"]

# pg_dump and pg_restore for the job database.backup, of the major version of the server in docker/stack.yml. Without their
# package: it would bring Perl, which is larger than all else that is installed here.
# Debian's mirrors keep only the newest version of a package, so none can be pinned.
FROM python:3.13.15-slim-trixie AS postgres-client
WORKDIR /client
RUN apt-get update \
 && apt-get download postgresql-client-17 \
 && dpkg-deb --extract postgresql-client-17_*.deb . \
 && dpkg-deb --field postgresql-client-17_*.deb Package Version Architecture > taken-from

FROM python:3.13.15-slim-trixie AS app
ENV DJANGO_SETTINGS_MODULE=settings.production \
    PATH=/opt/tandem/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TANDEM_VAR=/var/lib/tandem
# Fixed numbers: volumes and the tmpfs options in docker/stack.yml name them. Named volumes take over the folders' owner.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libpq5 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && groupadd --gid 10001 tandem \
 && useradd --uid 10001 --gid tandem --no-create-home --home-dir /var/lib/tandem --shell /usr/sbin/nologin tandem \
 && install --directory --owner tandem --group tandem --mode 0700 \
      /var/lib/tandem /srv/tandem/backups /srv/tandem/files
COPY --from=postgres-client /client/usr/lib/postgresql/17/bin/pg_dump /client/usr/lib/postgresql/17/bin/pg_restore /usr/local/bin/
# For docker/bill_of_materials.py: dpkg does not know that they are here.
COPY --from=postgres-client /client/taken-from /usr/local/share/tandem/
RUN ["pg_dump", "--version"]
COPY --from=packages /opt/tandem /opt/tandem
WORKDIR /app
COPY . .
# The file system is read-only at run time: without this every start would compile everything again.
RUN ["python", "-m", "compileall", "-q", "/app"]
USER 10001:10001
# Each line of a log is JSON, whoever writes it: also what is said before there are settings, and when there is no log.
ENTRYPOINT ["python", "/app/docker/json_lines.py"]
CMD ["python", "-m", "uvicorn", "settings.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--http", "api.limits.slow_headers:Patient"]

FROM app AS cron
# hadolint ignore=DL3002
USER 0:0
# The group comes first, with a fixed number: the tmpfs that holds the crontabs belongs to it. As its member the user can
# write a crontab where no-new-privileges takes the setgid bit of crontab(1) away.
# cron's package wants a program that makes system users; this one is small, and not all of systemd.
# pam_loginuid fails in containers (Debian bug 726661), and cron then runs nothing: in a container nobody has logged in.
# hadolint ignore=DL3008
RUN groupadd --system --gid 10002 crontab \
 && apt-get update \
 && apt-get install --yes --no-install-recommends cron systemd-standalone-sysusers \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /etc/cron.d/* /etc/cron.daily/* \
 && sed -i '/pam_loginuid/d' /etc/pam.d/cron \
 && usermod --append --groups crontab tandem
# Root only for cron's daemon itself; the agent, and all that cron runs, are the user `tandem`.
CMD ["python", "docker/cron_host.py", "--user", "tandem", "--", "python", "manage.py", "crontab_agent"]

FROM app AS flower
COPY --from=packages-flower /opt/tandem /opt/tandem
CMD ["python", "-m", "celery", "-A", "settings.celery", "flower", "--conf=docker/flower_config.py"]

# What a plain `docker build .` makes.
FROM app
