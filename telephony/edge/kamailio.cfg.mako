#!KAMAILIO
# 由 voicebot edge config 生成，请改 voicebot.toml 的 [edge] 后重新生成，不要直接改这里。
# Takes calls from the trunk only, spreads them over the workers, keeps the media behind rtpengine.

debug=2
log_stderror=no
fork=yes
children=4
tcp_children=2
auto_aliases=no
server_signature=no
user_agent_header="User-Agent: hotline-edge"
tcp_connection_lifetime=3605
tcp_accept_no_cl=no
% for kind in ("udp", "tcp"):
listen=${kind}:${edge.listen_address}:${edge.port}${f" advertise {edge.advertised_address}:{edge.port}" if edge.advertised_address else ""}
% endfor

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sanity.so"
loadmodule "xlog.so"
loadmodule "ctl.so"
loadmodule "permissions.so"
loadmodule "pipelimit.so"
loadmodule "dialog.so"
loadmodule "dispatcher.so"
loadmodule "rtpengine.so"

# A silent worker is given up after fr_timer; a ringing one has fr_inv_timer.
modparam("tm", "fr_timer", ${edge.answer_within_ms})
modparam("tm", "fr_inv_timer", 40000)
modparam("tm", "restart_fr_on_each_reply", 1)

modparam("permissions", "address_file", "${folder}/trunks.list")
modparam("pipelimit", "timer_interval", 1)

# Session timers (RFC 4028): the workers have none, the edge keeps them in their place.
modparam("dialog", "dlg_flag", 4)
modparam("dialog", "default_timeout", ${max_call_s + 60})
modparam("dialog", "timeout_avp", "$avp(dialog_timeout)")

modparam("dispatcher", "list_file", "${folder}/workers.list")
modparam("dispatcher", "flags", 2)
modparam("dispatcher", "ds_hash_size", 12)
modparam("dispatcher", "ds_hash_expire", ${max_call_s + 60})
modparam("dispatcher", "ds_ping_method", "OPTIONS")
modparam("dispatcher", "ds_ping_interval", ${edge.ping_interval_s})
modparam("dispatcher", "ds_probing_mode", 1)
modparam("dispatcher", "ds_probing_threshold", 1)
modparam("dispatcher", "ds_inactive_threshold", 1)
modparam("dispatcher", "ds_ping_reply_codes", "class=2;class=4")

modparam("rtpengine", "rtpengine_sock", "udp:${edge.rtpengine_control}")
modparam("rtpengine", "rtpengine_tout_ms", 500)
modparam("rtpengine", "rtpengine_disable_tout", 5)

request_route {
    # Whoever is neither the trunk nor one of our workers is not answered: a scanner finds nothing.
    if (!allow_source_address("1") && !ds_is_from_list("1")) {
        xlog("L_NOTICE", "not answered: $rm from $si:$sp\n");
        exit;
    }
    if (!sanity_check("17895", "7")) exit;
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    if (is_method("CANCEL")) {
        if (t_check_trans()) route(RELAY);
        exit;
    }
    if (has_totag()) {
        route(WITHIN_DIALOG);
        exit;
    }
    if (is_method("OPTIONS")) {
        sl_send_reply("200", "OK");
        exit;
    }
    if (!is_method("INVITE")) {
        if (!is_method("ACK")) sl_send_reply("405", "Method Not Allowed");
        exit;
    }
    t_check_trans();
    if (!allow_source_address("1")) {
        sl_send_reply("403", "Forbidden");
        exit;
    }
    if (!pl_check("$si", "taildrop", "${edge.calls_per_second}")) {
        append_to_reply("Retry-After: 2\r\n");
        sl_send_reply("503", "Too Many Calls");
        exit;
    }
    route(SESSION_TIMER);
    record_route();
    setflag(4);
    $dlg_ctx(timeout_bye) = 1;
    dlg_manage();
    # 10: the worker with the fewest calls.
    if (!ds_select_dst("1", "10")) {
        route(FULL);
        exit;
    }
    t_on_failure("NEXT_WORKER");
    route(RELAY);
}

route[WITHIN_DIALOG] {
    if (!loose_route()) {
        if (is_method("ACK")) {
            if (t_check_trans()) route(RELAY);
            exit;
        }
        sl_send_reply("404", "Not Here");
        exit;
    }
    if (is_method("BYE")) ds_load_update();
    if (is_method("INVITE|UPDATE")) route(SESSION_TIMER);
    route(RELAY);
}

# RFC 4028, section 8: the caller's side refreshes, and any request within the dialog counts as a refresh. Whoever
# stops refreshing is gone: the dialog runs out and both sides get a BYE.
route[SESSION_TIMER] {
    if (!($hdr(Supported) =~ "timer" || $hdr(Require) =~ "timer")) return;
    $avp(session_s) = ${edge.session_expires_s};
    if (is_present_hf("Session-Expires")) {
        $var(asked) = $(hdr(Session-Expires){s.int});
        if ($var(asked) < 90) {
            append_to_reply("Min-SE: 90\r\n");
            send_reply("422", "Session Interval Too Small");
            exit;
        }
        if ($var(asked) < $avp(session_s)) $avp(session_s) = $var(asked);
    }
    $avp(dialog_timeout) = $avp(session_s);
    # A worker would refuse the word.
    if ($hdr(Require) =~ "^ *timer *$") remove_hf("Require");
}

route[RELAY] {
    if (is_method("INVITE|UPDATE|ACK|BYE|CANCEL")) rtpengine_manage("replace-origin replace-session-connection ICE=remove");
    t_on_reply("REPLY");
    if (!t_relay()) sl_reply_error();
    exit;
}

onreply_route[REPLY] {
    if (is_method("INVITE|UPDATE")) rtpengine_manage("replace-origin replace-session-connection ICE=remove");
    if (!(status =~ "2[0-9][0-9]")) return;
    if (is_method("INVITE")) ds_load_update();
    if (is_method("INVITE|UPDATE") && $avp(session_s) != $null && !is_present_hf("Session-Expires")) {
        append_hf("Session-Expires: $avp(session_s);refresher=uac\r\nRequire: timer\r\n");
    }
}

# The edge's own BYE, for a dialog that ran out: the place is free again.
event_route[tm:local-request] {
    if (is_method("BYE")) ds_load_update();
}

failure_route[NEXT_WORKER] {
    if (t_is_canceled()) {
        ds_load_unset();
        exit;
    }
    # No answer at all: out of the list until it answers a ping again.
    if (t_branch_timeout() && !t_branch_replied()) ds_mark_dst("ip");
    if (t_check_status("408|480|486|5[0-9][0-9]")) {
        if (ds_next_dst()) {
            t_on_failure("NEXT_WORKER");
            route(RELAY);
        }
        ds_load_unset();
        route(FULL);
        exit;
    }
    ds_load_unset();
}

route[FULL] {
% if edge.overflow:
    $du = $null;
    $ru = "${edge.overflow}";
    route(RELAY);
% else:
    append_to_reply("Retry-After: 10\r\n");
    send_reply("503", "Every Line Busy");
% endif
}
