# 由 voicebot edge config 生成。格式见 Kamailio 的 dispatcher 模块：组号 地址 标志 优先级 属性。
% for number, worker in enumerate(workers):
1 sip:${worker} 0 0 duid=worker${number};maxload=${max_calls}
% endfor
