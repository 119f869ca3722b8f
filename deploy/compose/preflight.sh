#!/bin/sh
# Ends well if docker-compose.yml may start: the passwords are set, are none of
# an example, and can travel through every configuration that they are put into.
# The demo, which is on where its simulator answers, needs none: what it holds is
# made up.
set -eu

if wget -q -T 5 -O /dev/null "$DEMO_URL" 2>/dev/null; then
  echo '演示模式，不检查密码。 The demo: passwords are not checked.'
  exit 0
fi

problems=0

problem() {
  problems=$((problems + 1))
  printf '%s: %s\n' "$1" "$2" >&2
}

check_password() {
  case $2 in
    '') problem "$1" '未设置。 It is not set.' ;;
    *change-me* | *demo*) problem "$1" '仍是示例值，请换掉。 It is an example, change it.' ;;
    # Others would need quoting in YAML, in addresses and in .env itself.
    *[!A-Za-z0-9_-]*) problem "$1" '只能用字母、数字、- 和 _。 It may hold letters, digits, - and _ only.' ;;
    ????????????????*) ;;
    *) problem "$1" '少于 16 个字符。 It has fewer than 16 characters.' ;;
  esac
}

check_password DATABASE_PASSWORD "${DATABASE_PASSWORD:-}"
check_password GRAFANA_PASSWORD "${GRAFANA_PASSWORD:-}"

if [ "$problems" -gt 0 ]; then
  cat >&2 <<'TEXT'
请在 .env 里设置（先 cp .env.example .env，密码可用 openssl rand -hex 24 生成），然后再启动；只想看演示则用 docker compose --profile demo up。
Set them in .env (cp .env.example .env first; openssl rand -hex 24 makes a password), then start again. For the demo alone: docker compose --profile demo up
TEXT
  exit 1
fi
echo '设置可用。 The passwords will do.'
