# The venue, and the page that shows it, without Hummingbot: `docker build -t acme . && docker run -p 8600:8600 acme`.
FROM python:3.12.11-slim-bookworm
WORKDIR /acme
RUN pip install --no-cache-dir uv==0.13.9
COPY requirements-venue.txt constraints.txt ./
RUN uv pip install --system --no-cache --no-deps -r requirements-venue.txt -c constraints.txt
COPY acme_exchange acme_exchange
RUN useradd --create-home --uid 1000 acme && mkdir /data && chown acme /data
USER 1000
VOLUME /data
EXPOSE 8600
CMD ["python", "-m", "acme_exchange", "serve", "--host", "0.0.0.0", "--data", "/data"]
