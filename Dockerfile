# One image for web, worker and beat; compose.yaml says which runs what.
FROM python:3.11-slim AS packages
COPY requirements-uv.txt requirements.txt /build/
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /build/requirements-uv.txt \
    && /venv/bin/uv pip install --no-cache --python /venv/bin/python --no-deps --require-hashes -r /build/requirements.txt \
    && /venv/bin/pip uninstall --yes uv setuptools \
    && /venv/bin/pip uninstall --yes pip

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=incentives_site.settings \
    HASHED_STATIC=1 \
    STATIC_ROOT=/srv/static \
    VAR_DIR=/srv/var \
    HOST=0.0.0.0 \
    PORT=8000
RUN useradd --system --uid 10001 --home-dir /srv --shell /usr/sbin/nologin incentives \
    && mkdir -p /srv/app /srv/static /srv/var /keys \
    && chown incentives /srv/var /keys
COPY --from=packages /venv /venv
WORKDIR /srv/app
COPY . .
# The names of the static files carry their hash; DEMO stands in for the secret, which no file here depends on.
RUN DEMO=1 python manage.py collectstatic --no-input --verbosity 0
USER incentives
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os; from urllib.request import Request, urlopen; urlopen(Request(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', headers={'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["gunicorn", "incentives_site.wsgi", "--config", "gunicorn.conf.py"]
