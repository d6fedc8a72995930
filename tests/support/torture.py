"""SIP messages that are hard to read: one for each of RFC 4475 and RFC 5118, after what each section there describes.

The messages are our own; names are those of the RFCs. ``expects`` holds the statuses that an endpoint may answer with
by the RFC's word, 0 for no answer at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

SDP = (
    "v=0\r\no=caller 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 49172 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\n"
)
SDP6 = SDP.replace("IN IP4 127.0.0.1", "IN IP6 ::1")
OK, REFUSED, NONE = {200}, {400, 403, 404, 405, 406, 415, 416, 420, 481, 488, 501, 505, 513, 606}, {0}


@dataclass(frozen=True)
class Place:
    """Where messages go and come from."""

    port: int
    own_port: int

    def via(self, name: str) -> str:
        return f"Via: SIP/2.0/UDP 127.0.0.1:{self.own_port};branch=z9hG4bK{name}.1;rport"

    @property
    def uri(self) -> str:
        return f"sip:12345@127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Torture:
    name: str
    section: str
    expects: frozenset[int]
    build: Callable[[Place], bytes]


ALL: list[Torture] = []


def _text(first: str, lines: list[str], body: str = "", *, length: int | str | None = None) -> bytes:
    if body and not any(line.lower().startswith(("content-type", "c:")) for line in lines):
        lines = [*lines, "Content-Type: application/sdp"]
    counted = [] if length == "" else [f"Content-Length: {len(body) if length is None else length}"]
    return ("\r\n".join([first, *lines, *counted]) + "\r\n\r\n" + body).encode("latin-1")


def torture(section: str, *expects: set[int]) -> Callable[[Callable[[Place], bytes]], Callable[[Place], bytes]]:
    def add(build: Callable[[Place], bytes]) -> Callable[[Place], bytes]:
        ALL.append(Torture(build.__name__, section, frozenset().union(*expects), build))
        return build

    return add


def _plain(place: Place, name: str, method: str = "OPTIONS", **changed: str | None) -> list[str]:
    """The headers of an ordinary request; ``changed`` replaces one by name, None leaves it out."""
    headers: dict[str, str | None] = {
        "via": place.via(name),
        "max_forwards": "Max-Forwards: 70",
        "from_": f"From: <sip:caller@127.0.0.1:{place.own_port}>;tag={name}",
        "to": f"To: <{place.uri}>",
        "call_id": f"Call-ID: {name}.torture@127.0.0.1",
        "cseq": f"CSeq: 1 {method}",
        "contact": f"Contact: <sip:caller@127.0.0.1:{place.own_port}>",
        **changed,
    }
    return [line for line in headers.values() if line is not None]


# RFC 4475, 3.1.1: valid messages


@torture("4475 3.1.1.1", OK)
def wsinv(place: Place) -> bytes:
    lines = [
        f"TO :\r\n <{place.uri}> ;   unknown =  x",
        'from   : "A caller \\\\\\""       <sip:caller@127.0.0.1>\r\n  ;\r\n  tag = wsinv',
        "MaX-fOrWaRdS: 0068",
        "Call-ID: wsinv.torture@127.0.0.1",
        "cseq: 0009\r\n  INVITE",
        f"Via  : SIP  /   2.0\r\n /UDP\r\n    127.0.0.1:{place.own_port};rport;branch=z9hG4bKwsinv.1",
        "s :",
        "NewFangledHeader:   a value\r\n that goes on",
        "UnknownHeaderWithUnusualValue: ;;,,;;,;",
        f'm:"Quoted \\"string\\"" <sip:caller@127.0.0.1:{place.own_port}> ; newparam =\r\n      newvalue ;'
        "\r\n  secondparam ; q = 0.33",
    ]
    return _text(f"INVITE {place.uri};unknownparam SIP/2.0", lines, SDP)


@torture("4475 3.1.1.2", REFUSED, OK)
def intmeth(place: Place) -> bytes:
    method = "!interesting-Method0123456789_*+`.%indeed'~"
    lines = _plain(
        place, "intmeth", method, from_="From: token1~` token2'+_ token3*%!.- <sip:mundane@127.0.0.1>;tag=_t~1'+`*%!-."
    )
    return _text(f"{method} {place.uri} SIP/2.0", lines)


@torture("4475 3.1.1.3", OK)
def esc01(place: Place) -> bytes:
    lines = _plain(place, "esc01", "INVITE", from_="From: <sip:I%20have%20spaces@127.0.0.1>;tag=esc01")
    return _text(f"INVITE sip:%31%32345@127.0.0.1:{place.port} SIP/2.0", lines, SDP)


@torture("4475 3.1.1.4", REFUSED, OK)
def escnull(place: Place) -> bytes:
    lines = _plain(place, "escnull", "REGISTER", contact="Contact: <sip:null-%00-null@127.0.0.1>, <sip:%00@127.0.0.1>")
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", lines)


@torture("4475 3.1.1.5", REFUSED, OK)
def esc02(place: Place) -> bytes:
    return _text(f"RE%47IST%45R {place.uri} SIP/2.0", _plain(place, "esc02", "RE%47IST%45R"))


@torture("4475 3.1.1.6", OK)
def lwsdisp(place: Place) -> bytes:
    return _text(
        f"OPTIONS {place.uri} SIP/2.0", _plain(place, "lwsdisp", from_="From: caller<sip:caller@127.0.0.1>;tag=lwsdisp")
    )


@torture("4475 3.1.1.7", OK, {513})
def longreq(place: Place) -> bytes:
    long = "long" * 60
    extra = [f"Unknown-{long}: {long}" for _ in range(6)]
    vias = [f"Via: SIP/2.0/UDP host{n}.{long}.example.com;branch=z9hG4bK{long}{n}" for n in range(6)]
    lines = _plain(place, "longreq", "INVITE", from_=f'From: "{long}" <sip:{long}@127.0.0.1>;tag={long};p{long}={long}')
    return _text(f"INVITE {place.uri} SIP/2.0", [lines[0], *vias, *lines[1:], *extra], SDP)


@torture("4475 3.1.1.8", REFUSED, OK)
def dblreq(place: Place) -> bytes:
    first = _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", _plain(place, "dblreq", "REGISTER"))
    return first + b"\r\n" + _text(f"INVITE {place.uri} SIP/2.0", _plain(place, "dblreq2", "INVITE"), SDP)


@torture("4475 3.1.1.9", OK, {404})
def semiuri(place: Place) -> bytes:
    return _text(f"OPTIONS sip:user;par=u%40example.net@127.0.0.1:{place.port} SIP/2.0", _plain(place, "semiuri"))


@torture("4475 3.1.1.10", OK)
def transports(place: Place) -> bytes:
    others = [
        f"Via: SIP/2.0/{name} t{name}.example.com;branch=z9hG4bKt{name}" for name in ("SCTP", "TLS", "UNKNOWN", "TCP")
    ]
    lines = _plain(place, "transports")
    return _text(f"OPTIONS {place.uri} SIP/2.0", [lines[0], *others, *lines[1:]])


@torture("4475 3.1.1.11", REFUSED, OK)
def mpart01(place: Place) -> bytes:
    parts = ("Content-Type: text/plain\r\n\r\nHello", "Content-Type: application/octet-stream\r\n\r\n\x00\xff\x80")
    body = "".join(f"--7a9\r\n{part}\r\n" for part in parts) + "--7a9--\r\n"
    lines = [*_plain(place, "mpart01", "MESSAGE"), "Content-Type: multipart/mixed;boundary=7a9"]
    return _text(f"MESSAGE {place.uri} SIP/2.0", lines, body)


@torture("4475 3.1.1.12", NONE)
def unreason(place: Place) -> bytes:
    return _text(
        "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe", _plain(place, "unreason", "INVITE"), SDP
    )


@torture("4475 3.1.1.13", NONE)
def noreason(place: Place) -> bytes:
    return _text("SIP/2.0 100 ", _plain(place, "noreason", "INVITE"))


# RFC 4475, 3.1.2: invalid messages


@torture("4475 3.1.2.1", REFUSED, OK, NONE)
def badinv01(place: Place) -> bytes:
    lines = _plain(
        place,
        "badinv01",
        "INVITE",
        via=place.via("badinv01") + ";;,;,,",
        contact='Contact: "Joe" <sip:joe@127.0.0.1>;;;;',
    )
    return _text(f"INVITE {place.uri} SIP/2.0", lines, SDP)


@torture("4475 3.1.2.2", REFUSED, NONE)
def clerr(place: Place) -> bytes:
    return _text(f"INVITE {place.uri} SIP/2.0", _plain(place, "clerr", "INVITE"), SDP, length=9999)


@torture("4475 3.1.2.3", REFUSED, NONE)
def ncl(place: Place) -> bytes:
    return _text(f"INVITE {place.uri} SIP/2.0", _plain(place, "ncl", "INVITE"), SDP, length=-999)


@torture("4475 3.1.2.4", REFUSED, NONE, OK)
def scalar02(place: Place) -> bytes:
    lines = _plain(
        place, "scalar02", "REGISTER", cseq="CSeq: 36893488147419103232 REGISTER", max_forwards="Max-Forwards: 300",
        contact="Contact: <sip:user@127.0.0.1>;expires=280297596632815",
    )  # fmt: skip
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", [*lines, "Expires: 10000000000000"])


@torture("4475 3.1.2.5", NONE)
def scalarlg(place: Place) -> bytes:
    lines = _plain(place, "scalarlg", cseq="CSeq: 9292394834772304023312 OPTIONS")
    return _text("SIP/2.0 503 Service Unavailable", [*lines, "Retry-After: 949302838503028349304023988"])


@torture("4475 3.1.2.6", REFUSED, NONE, OK)
def quotbal(place: Place) -> bytes:
    lines = _plain(place, "quotbal", "INVITE", to=f'To: "Mr. J. User <{place.uri}>')
    return _text(f"INVITE {place.uri} SIP/2.0", lines, SDP)


@torture("4475 3.1.2.7", REFUSED, NONE)
def ltgtruri(place: Place) -> bytes:
    return _text(f"INVITE <{place.uri}> SIP/2.0", _plain(place, "ltgtruri", "INVITE"), SDP)


@torture("4475 3.1.2.8", REFUSED, NONE, OK)
def lwsruri(place: Place) -> bytes:
    return _text(f"INVITE {place.uri}; lr SIP/2.0", _plain(place, "lwsruri", "INVITE"), SDP)


@torture("4475 3.1.2.9", REFUSED, NONE, OK)
def lwsstart(place: Place) -> bytes:
    return _text(f"INVITE  {place.uri}  SIP/2.0", _plain(place, "lwsstart", "INVITE"), SDP)


@torture("4475 3.1.2.10", REFUSED, NONE, OK)
def trws(place: Place) -> bytes:
    return _text(f"OPTIONS {place.uri} SIP/2.0  ", _plain(place, "trws"))


@torture("4475 3.1.2.11", REFUSED, NONE, OK)
def escruri(place: Place) -> bytes:
    return _text(f"INVITE {place.uri}?Route=%3Csip:example.com%3E SIP/2.0", _plain(place, "escruri", "INVITE"), SDP)


@torture("4475 3.1.2.12", REFUSED, OK)
def baddate(place: Place) -> bytes:
    lines = [*_plain(place, "baddate", "INVITE"), "Date: Fri, 01 Jan 2010 16:00:00 EST"]
    return _text(f"INVITE {place.uri} SIP/2.0", lines, SDP)


@torture("4475 3.1.2.13", REFUSED, OK)
def regbadct(place: Place) -> bytes:
    lines = _plain(place, "regbadct", "REGISTER", contact="Contact: sip:user@127.0.0.1?Route=%3Csip:sip.example.com%3E")
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", lines)


@torture("4475 3.1.2.14", REFUSED, OK)
def badaspec(place: Place) -> bytes:
    lines = _plain(place, "badaspec", to=f'To: "Watson, Thomas" < {place.uri} >')
    return _text(f"OPTIONS {place.uri} SIP/2.0", lines)


@torture("4475 3.1.2.15", REFUSED, OK)
def baddn(place: Place) -> bytes:
    lines = _plain(place, "baddn", from_="From: Bell, Alexander <sip:a.g.bell@127.0.0.1>;tag=baddn")
    return _text(f"OPTIONS {place.uri} SIP/2.0", lines)


@torture("4475 3.1.2.16", {505}, REFUSED, NONE)
def badvers(place: Place) -> bytes:
    return _text(
        f"OPTIONS {place.uri} SIP/7.0", _plain(place, "badvers", via=place.via("badvers").replace("2.0", "7.0"))
    )


@torture("4475 3.1.2.17", REFUSED, NONE)
def mismatch01(place: Place) -> bytes:
    return _text(f"OPTIONS {place.uri} SIP/2.0", _plain(place, "mismatch01", "INVITE"))


@torture("4475 3.1.2.18", REFUSED, NONE)
def mismatch02(place: Place) -> bytes:
    return _text(f"NEWMETHOD {place.uri} SIP/2.0", _plain(place, "mismatch02", "INVITE"), SDP)


@torture("4475 3.1.2.19", NONE)
def bigcode(place: Place) -> bytes:
    return _text("SIP/2.0 4294967301 better not break the receiver", _plain(place, "bigcode", "INVITE"))


# RFC 4475, 3.2 and 3.3: transactions and applications


@torture("4475 3.2.1", OK, REFUSED)
def badbranch(place: Place) -> bytes:
    via = f"Via: SIP/2.0/UDP 127.0.0.1:{place.own_port};branch=z9hG4bK;rport"
    return _text(f"OPTIONS {place.uri} SIP/2.0", _plain(place, "badbranch", via=via))


@torture("4475 3.3.1", REFUSED, NONE)
def insuf(place: Place) -> bytes:
    lines = _plain(place, "insuf", "INVITE", call_id=None, from_=None, to=None)
    return _text(f"INVITE {place.uri} SIP/2.0", lines, SDP)


@torture("4475 3.3.2", REFUSED, NONE)
def unkscm(place: Place) -> bytes:
    return _text("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", _plain(place, "unkscm"))


@torture("4475 3.3.3", REFUSED, NONE)
def novelsc(place: Place) -> bytes:
    return _text("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", _plain(place, "novelsc"))


@torture("4475 3.3.4", REFUSED, NONE, OK)
def unksm2(place: Place) -> bytes:
    lines = _plain(
        place, "unksm2", "REGISTER", to="To: isbn:2983792873", from_="From: <http://www.example.com>;tag=unksm2"
    )
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", lines)


@torture("4475 3.3.5", {420}, OK)
def bext01(place: Place) -> bytes:
    lines = [*_plain(place, "bext01"), "Proxy-Require: nothingSupportsThis, nothingSupportsThisEither",
             "Require: nothingSupportsThis, nothingSupportsThisEither"]  # fmt: skip
    return _text(f"OPTIONS {place.uri} SIP/2.0", lines)


@torture("4475 3.3.6", {415, 488}, REFUSED)
def invut(place: Place) -> bytes:
    lines = [*_plain(place, "invut", "INVITE"), "Content-Type: application/unknownformat"]
    return _text(f"INVITE {place.uri} SIP/2.0", lines, "<audio><pcmu/></audio>")


@torture("4475 3.3.7", REFUSED, OK)
def regaut01(place: Place) -> bytes:
    lines = [*_plain(place, "regaut01", "REGISTER"), "Authorization: NoOneKnowsThisScheme opaque-data=here"]
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", lines)


@torture("4475 3.3.8", REFUSED, NONE)
def multi01(place: Place) -> bytes:
    lines = _plain(place, "multi01", "INVITE")
    twice = ["CSeq: 59 INVITE", "Call-ID: other.torture@127.0.0.1", "Max-Forwards: 5", f"To: <{place.uri}>;tag=x",
             "From: <sip:other@127.0.0.1>;tag=3413415"]  # fmt: skip
    return _text(f"INVITE {place.uri} SIP/2.0", [*lines, *twice], SDP)


@torture("4475 3.3.9", REFUSED, NONE)
def mcl01(place: Place) -> bytes:
    lines = [*_plain(place, "mcl01"), "Content-Length: 13", "Content-Type: text/plain"]
    return _text(f"OPTIONS {place.uri} SIP/2.0", lines, "There's no way to know how many octets are here")


@torture("4475 3.3.10", NONE)
def bcast(place: Place) -> bytes:
    lines = _plain(place, "bcast", "INVITE", via="Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbcast")
    return _text("SIP/2.0 200 OK", lines, SDP)


@torture("4475 3.3.11", OK, {483})
def zeromf(place: Place) -> bytes:
    return _text(f"OPTIONS {place.uri} SIP/2.0", _plain(place, "zeromf", max_forwards="Max-Forwards: 0"))


@torture("4475 3.3.12", REFUSED, OK)
def cparam01(place: Place) -> bytes:
    lines = _plain(place, "cparam01", "REGISTER", contact="Contact: sip:+19725552222@127.0.0.1;unknownparam")
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", lines)


@torture("4475 3.3.13", REFUSED, OK)
def cparam02(place: Place) -> bytes:
    lines = _plain(place, "cparam02", "REGISTER", contact="Contact: <sip:+19725552222@127.0.0.1;unknownparam>")
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", lines)


@torture("4475 3.3.14", REFUSED, OK)
def regescrt(place: Place) -> bytes:
    lines = _plain(
        place, "regescrt", "REGISTER", contact="Contact: <sip:user@127.0.0.1?Route=%3Csip:sip.example.com%3E>"
    )
    return _text(f"REGISTER sip:127.0.0.1:{place.port} SIP/2.0", lines)


@torture("4475 3.3.15", {406, 488}, OK)
def sdp01(place: Place) -> bytes:
    lines = [*_plain(place, "sdp01", "INVITE"), "Accept: text/nobodyKnowsThis"]
    return _text(f"INVITE {place.uri} SIP/2.0", lines, SDP)


@torture("4475 3.3.16", OK, REFUSED, NONE)
def inv2543(place: Place) -> bytes:
    lines = [
        f"Via: SIP/2.0/UDP 127.0.0.1:{place.own_port}",
        f"From: <sip:caller@127.0.0.1:{place.own_port}>",
        f"To: <{place.uri}>",
        "Call-ID: inv2543.torture@127.0.0.1",
        "CSeq: 56 INVITE",
    ]
    return _text(f"INVITE {place.uri} SIP/2.0", lines, SDP)


# RFC 5118: IPv6 in messages (sent over IPv4 here: what is tried is the reading)


@torture("5118 4.1", REFUSED, OK)
def v6_good(place: Place) -> bytes:
    lines = _plain(place, "v6-good", "REGISTER", contact='Contact: "Caller" <sip:caller@[2001:db8::1]>')
    return _text("REGISTER sip:[2001:db8::10] SIP/2.0", lines)


@torture("5118 4.2", REFUSED, NONE)
def v6_bad(place: Place) -> bytes:
    return _text("REGISTER sip:2001:db8::10 SIP/2.0", _plain(place, "v6-bad", "REGISTER"))


@torture("5118 4.3", REFUSED, OK, NONE)
def port_ambiguous(place: Place) -> bytes:
    return _text("REGISTER sip:[2001:db8::10:5070] SIP/2.0", _plain(place, "port-ambiguous", "REGISTER"))


@torture("5118 4.4", REFUSED, OK)
def port_unambiguous(place: Place) -> bytes:
    lines = _plain(place, "port-unambiguous", "REGISTER", contact='Contact: "Caller" <sip:caller@[2001:db8::1]:5070>')
    return _text("REGISTER sip:[2001:db8::10]:5070 SIP/2.0", lines)


@torture("5118 4.5", OK)
def via_received_with_brackets(place: Place) -> bytes:
    via = "Via: SIP/2.0/UDP [2001:db8::9:1]:5060;received=[2001:db8::9:255];branch=z9hG4bKas3-111"
    lines = _plain(place, "via-received")
    return _text(f"OPTIONS {place.uri} SIP/2.0", [lines[0], via, *lines[1:]])


@torture("5118 4.5", OK)
def via_received_without_brackets(place: Place) -> bytes:
    via = "Via: SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::9:255;branch=z9hG4bKas3-112"
    lines = _plain(place, "via-received-2")
    return _text(f"OPTIONS {place.uri} SIP/2.0", [lines[0], via, *lines[1:]])


@torture("5118 4.6", OK, REFUSED)
def v6_in_sdp(place: Place) -> bytes:
    return _text(f"INVITE {place.uri} SIP/2.0", _plain(place, "v6-in-sdp", "INVITE"), SDP6)


@torture("5118 4.7", REFUSED, OK)
def mult_ip_in_header(place: Place) -> bytes:
    lines = _plain(place, "mult-ip", contact="Contact: <sip:caller@[2001:db8::1]>, <sip:caller@192.0.2.1>")
    return _text(f"OPTIONS {place.uri} SIP/2.0", [*lines, "Route: <sip:[2001:db8::2];lr>"])


@torture("5118 4.8", OK, REFUSED)
def mult_ip_in_sdp(place: Place) -> bytes:
    other = "m=video 6000 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\n"
    return _text(f"INVITE {place.uri} SIP/2.0", _plain(place, "mult-ip-in-sdp", "INVITE"), SDP + other)


@torture("5118 4.9", OK, REFUSED)
def ipv4_mapped_ipv6(place: Place) -> bytes:
    lines = _plain(place, "v4-mapped", "INVITE", contact=f"Contact: <sip:caller@[::ffff:127.0.0.1]:{place.own_port}>")
    return _text(f"INVITE {place.uri} SIP/2.0", lines, SDP.replace("IP4 127.0.0.1", "IP6 ::ffff:127.0.0.1"))


@torture("5118 4.10", REFUSED, OK)
def ipv6_bug_abnf_3_colons(place: Place) -> bytes:
    return _text("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0", _plain(place, "3-colons"))
