# Sourced by the commands in bin/ with $root set: installs what the lockfile names, once.
set_up_is_due() {
  [ ! -x "$root/node_modules/.bin/bun" ] || [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]
}

if set_up_is_due; then
  if ! command -v npm >/dev/null 2>&1; then
    echo "set-up: npm is not on PATH; install Node.js >= 20 with npm and run this again" >&2
    exit 1
  fi
  # npm begins by removing what is there, so of commands that start together one installs and the others wait. npm holds
  # the lock as well: it goes on when the command that started it is killed.
  exec 9<"$root/package-lock.json"
  if command -v flock >/dev/null 2>&1; then flock 9; fi
  if set_up_is_due; then
    echo "set-up: installing dependencies (npm ci)" >&2
    (cd "$root" && npm ci --no-fund --no-audit --loglevel=error >&2)
  fi
  exec 9<&-
fi
