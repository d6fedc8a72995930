#!/bin/sh
# Unpacks a real Asterisk from Debian's unstable distribution into var/asterisk: Debian 12 has none. Nothing is
# installed, nothing is started and root is not needed; about 80 MB are fetched, 300 MB are taken on disk.
# Without it the tests that need an Asterisk skip.
folder="$PWD/var/asterisk"
[ -x "$folder/asterisk" ] && exit 0
no() {
  echo "没能取得 Asterisk（$1）；用到它的测试将跳过。"
  rm -rf "$folder.part"
  exit 1
}
command -v apt-get >/dev/null 2>&1 || no "没有 apt"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || no "本机的 apt 没有 Debian 的源"

# Its own lists and an empty list of what is installed: every library comes along, and this system's stay as they are.
work="$folder.part"
rm -rf "$work"
mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/root"
: >"$work/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$work/apt/sources.list"
cat >"$work/apt/apt.conf" <<END
Dir::State "$work/apt";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Sandbox::User "";
Acquire::Languages "none";
END
export APT_CONFIG="$work/apt/apt.conf"
apt-get update -qq && apt-get install -y -qq --no-install-recommends --download-only asterisk >/dev/null || no "下载失败"
for package in "$work"/apt/archives/*.deb; do
  dpkg-deb -x "$package" "$work/root" || no "解不开 $(basename "$package")"
done
# It runs with the C library that it was built for, from wherever the folder is.
cat >"$work/root/asterisk" <<'END'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
loader=$(ls "$here"/usr/lib/*/ld-linux*.so.* | head -n 1)
exec "$loader" --library-path "$(dirname "$loader")" "$here/usr/sbin/asterisk" "$@"
END
chmod 755 "$work/root/asterisk"
"$work/root/asterisk" -V >/dev/null || no "它在这台机器上运行不了"
rm -rf "$folder" && mv "$work/root" "$folder" && rm -rf "$work"
