# Sourced by the commands in bin/ with $root set: installs what the lockfile names, once.
if [ ! -x "$root/node_modules/.bin/bun" ] || [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
  if ! command -v npm >/dev/null 2>&1; then
    echo "set-up: npm is not on PATH; install Node.js >= 20 with npm and run this again" >&2
    exit 1
  fi
  echo "set-up: installing dependencies (npm ci)" >&2
  (cd "$root" && npm ci --no-fund --no-audit --loglevel=error >&2)
fi
