# 由 voicebot edge config 生成。放到 /etc/turnserver.conf。
listening-ip=${edge.listen_address}
listening-port=${edge.turn_port}
relay-ip=${edge.listen_address}
% if edge.advertised_address:
external-ip=${edge.advertised_address}/${edge.listen_address}
% endif
min-port=${edge.turn_relay_port_min}
max-port=${edge.turn_relay_port_max}
realm=${edge.turn_realm}
use-auth-secret
static-auth-secret=${turn_secret}
fingerprint
stale-nonce=600
user-quota=4
total-quota=${4 * max_browser_calls * len(workers)}
no-cli
no-tcp-relay
no-multicast-peers
# A browser may reach our workers through us, and nothing else.
denied-peer-ip=0.0.0.0-255.255.255.255
% for host in worker_hosts:
allowed-peer-ip=${host}
% endfor
