# 由 voicebot edge config 生成。放到 /etc/rtpengine/rtpengine.conf。
[rtpengine]
# -1: in user space; with the kernel module of rtpengine's own package set it to 0.
table = -1
interface = ${edge.listen_address}${f"!{edge.advertised_address}" if edge.advertised_address else ""}
listen-ng = ${edge.rtpengine_control}
port-min = ${edge.rtp_port_min}
port-max = ${edge.rtp_port_max}
timeout = 60
silent-timeout = ${max_call_s}
final-timeout = ${max_call_s + 60}
delete-delay = 0
tos = 184
log-level = 5
