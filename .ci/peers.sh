#!/bin/sh
# Installs the real peers that the tests talk to, and what stands at the edge. Without root or apt it says so; the
# tests that need one then skip.
# The identity provider is a package of npm; it stays in this folder.
peers=var/peers
if [ ! -d "$peers/node_modules/oidc-provider" ]; then
  if command -v npm >/dev/null 2>&1; then
    mkdir -p "$peers"
    npm install --prefix "$peers" --no-audit --no-fund --loglevel=error oidc-provider@9.13.3 >/dev/null ||
      echo "提示：没能安装 oidc-provider；用到它的测试将跳过。"
  else
    echo "提示：没有 Node（npm），没有安装 oidc-provider；用到它的测试将跳过。"
  fi
fi
missing=""
command -v kamailio >/dev/null 2>&1 || missing="$missing kamailio"
command -v rtpengine >/dev/null 2>&1 || missing="$missing rtpengine-daemon"
command -v turnserver >/dev/null 2>&1 || missing="$missing coturn"
command -v sipp >/dev/null 2>&1 || missing="$missing sip-tester"
command -v baresip >/dev/null 2>&1 || missing="$missing baresip-core"
command -v linphonec >/dev/null 2>&1 || missing="$missing linphone-cli"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "提示：缺少$missing；没有 root 或 apt，用到它们的测试将跳过。"
  exit 0
fi
# The tests start what they need by themselves; a service of the system's would take port 5060 from ours.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
  echo "提示：没能安装$missing；用到它们的测试将跳过。"
if command -v systemctl >/dev/null 2>&1; then
  for package in $missing; do
    case $package in kamailio | rtpengine-daemon | coturn) systemctl disable --quiet "$package" 2>/dev/null ;; esac
  done
fi
exit 0
