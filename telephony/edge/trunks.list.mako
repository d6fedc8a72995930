# 由 voicebot edge config 生成。格式见 Kamailio 的 permissions 模块：组号 网络 掩码。
% for network in edge.trunks:
1 ${network.network_address} ${network.prefixlen}
% endfor
