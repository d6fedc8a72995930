# 由 voicebot edge config 生成。放到 /etc/systemd/system/voicebot.service，然后 systemctl enable --now voicebot。
[Unit]
Description=12345 hotline, voice intake
After=network-online.target postgresql.service
Wants=network-online.target

[Service]
User=voicebot
WorkingDirectory=${home}
ExecStart=${home}/.venv/bin/voicebot serve
Restart=always
RestartSec=2
# SIGTERM to the supervisor alone: it lets calls finish, for drain_s at most.
KillMode=mixed
TimeoutStopSec=${int(drain_s) + 40}
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ReadWritePaths=${home}/var

[Install]
WantedBy=multi-user.target
