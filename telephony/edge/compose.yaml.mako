# 由 voicebot edge config 生成，给用容器的人。SIP 与 RTP 用许多端口，所以都用宿主机的网络。
services:
  voicebot:
    build:
      context: ${home}
      dockerfile_inline: |
        FROM python:3.11-slim
        RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
        RUN useradd --create-home voicebot
        WORKDIR /srv/voicebot
        COPY --chown=voicebot . .
        USER voicebot
        RUN make models
        CMD [".venv/bin/voicebot", "serve"]
    network_mode: host
    restart: unless-stopped
    stop_grace_period: ${int(drain_s) + 40}s
    volumes:
      - ${home}/voicebot.toml:/srv/voicebot/voicebot.toml:ro
      - voicebot-var:/srv/voicebot/var
% for name, package, command in programs:
  ${name}:
    build:
      context: ${folder}
      dockerfile_inline: |
        FROM debian:12-slim
        RUN apt-get update && apt-get install -y --no-install-recommends ${package} && rm -rf /var/lib/apt/lists/*
    network_mode: host
    restart: unless-stopped
    volumes:
      - ${folder}:${folder}:ro
    command: ${command}
% endfor
volumes:
  voicebot-var:
