#!/usr/bin/env bash
# Builds the image of the Dockerfile, starts it as it is meant to run (not as root, on a read-only
# file system, without capabilities), asks it for a prediction, prints its size and stops it.
#
# With docker or podman that is all. Where neither runs, root on a Debian can still do it: debootstrap
# makes the base image, buildah builds on it, and the result runs in namespaces of its own. What
# this cannot show is said at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

LIMIT_MB=650
IMAGE=inkling-check
WORK=$PWD/build/image-check
SEVEN='{"strokes": [[[10, 10], [60, 10], [30, 90]]]}'

say() { printf '\n== %s\n' "$*"; }
fail() {
    printf 'image-check: %s\n' "$*" >&2
    exit 1
}

# Asks the server at $2 with the curl command $1, and waits for it first.
check_answers() {
    local ask=$1 address=$2 waited=0 answer
    say "Asking it"
    until $ask --output /dev/null "$address/readyz" 2> "$WORK/curl.log"; do
        waited=$((waited + 1))
        if [ "$waited" -gt 300 ]; then
            cat "$WORK/curl.log" >&2
            fail "the server was not ready after 30 s"
        fi
        sleep 0.1
    done
    $ask "$address/readyz"
    echo
    answer=$($ask --header 'Content-Type: application/json' --data "$SEVEN" "$address/predict")
    echo "$answer"
    [[ $answer == *'"text":"7"'* || $answer == *'"text": "7"'* ]] || fail "it should have read a 7"
    $ask "$address/" | grep --quiet '<html' || fail "the page did not come"
}

# The image's content, unpacked at $1.
check_content() {
    local root=$1 size_mb name
    say "Content of the image, in MB"
    size_mb=$(du -sxm "$root" | cut -f1)
    du -xm "$root"/opt/inkling/lib/python3*/site-packages/* --max-depth=0 | sort -rn | sed -n 1,8p \
        | sed "s#$root##"
    du -xm "$root/opt/inkling" "$root/usr" --max-depth=0 | sed "s#$root##"
    echo "$size_mb	all of it (at most $LIMIT_MB)"
    [ "$size_mb" -le "$LIMIT_MB" ] || fail "the image is too large"
    for name in pip pip3 gcc cc make git curl; do
        [ -z "$(find "$root/bin/" "$root/usr/bin" "$root/usr/local/bin" "$root/opt/inkling/bin" \
            -name "$name" -print -quit)" ] || fail "$name was left in the image"
    done
    [ -z "$(find "$root/opt" "$root/usr/lib/python3" -maxdepth 5 \
        \( -name pip -o -name setuptools -o -name tensorflow \) -print -quit)" ] \
        || fail "Python packages were left in the image that no server needs"
    [ -z "$(find "$root/var/lib/apt/lists" "$root/var/cache/apt" "$root/root/.cache" \
        -type f -print -quit 2> /dev/null)" ] || fail "caches were left in the image"
    echo "No pip, compiler or cache was left in it."
}

# The package index that this machine's pip uses, as the Dockerfile's secrets: they stay out of the image.
pip_secrets() {
    python3 - "$WORK" <<'PYTHON'
import ast, os, pathlib, shutil, subprocess, sys

work = pathlib.Path(sys.argv[1])
listing = subprocess.run(
    [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True
).stdout
found = {
    name[4:].lower().replace("_", "-"): value
    for name, value in os.environ.items()
    if name.startswith("PIP_")
}
for line in listing.splitlines():  # nothing where there is no pip
    name, _, value = line.partition("=")
    found.setdefault(name.rpartition(".")[2], ast.literal_eval(value))
settings = {}
for name in ("index-url", "extra-index-url", "trusted-host", "proxy", "default-timeout"):
    if words := [word for word in found.get(name, "").split() if not word.startswith("file:")]:
        settings[name] = " ".join(words)
if "cert" in found:
    shutil.copyfile(found["cert"], work / "ca.pem")
    settings["cert"] = "/run/secrets/ca"
    print(f"--secret=id=ca,src={work / 'ca.pem'}")
lines = ["[global]", *(f"{name} = {value}" for name, value in settings.items())]
(work / "pip.conf").write_text("\n".join(lines) + "\n")
print(f"--secret=id=pip,src={work / 'pip.conf'}")
PYTHON
}

# --- with docker or podman

check_with_engine() {
    local engine=$1 secrets container port format=()
    say "Building with $engine"
    mapfile -t secrets < <(pip_secrets)
    [ "$engine" = docker ] || format=(--format docker)  # the OCI format knows no health checks
    DOCKER_BUILDKIT=1 "$engine" build "${format[@]}" "${secrets[@]}" --tag "$IMAGE" .
    rm -f "$WORK/pip.conf" "$WORK/ca.pem"

    say "Starting it: not as root, read-only, without capabilities"
    container=$("$engine" run --detach --read-only --tmpfs /tmp --cap-drop ALL \
        --security-opt no-new-privileges --publish 127.0.0.1::8000 "$IMAGE")
    # shellcheck disable=SC2064  # the container's name is known now
    trap "'$engine' rm --force '$container' > /dev/null" EXIT
    port=$("$engine" port "$container" 8000/tcp | sed -n 1p)
    check_answers "curl --silent --show-error --fail" "http://127.0.0.1:${port##*:}"

    [ "$("$engine" exec "$container" id -u)" != 0 ] || fail "it runs as root"
    if [ "$engine" = docker ]; then
        for _ in $(seq 60); do
            [ "$(docker inspect --format '{{.State.Health.Status}}' "$container")" != starting ] && break
            sleep 0.5
        done
        docker inspect --format 'Health check: {{.State.Health.Status}}' "$container" \
            | grep --word-regexp healthy || fail "its health check fails"
    else
        podman healthcheck run "$container" && echo "Health check: healthy"
    fi
    mkdir -p "$WORK/content"
    "$engine" export "$container" | tar --directory "$WORK/content" --extract --exclude 'dev/*'
    check_content "$WORK/content"
    rm -rf "$WORK/content"

    say "Stopping it"
    "$engine" stop --time 10 "$container" > /dev/null
    [ "$("$engine" inspect --format '{{.State.ExitCode}}' "$container")" = 0 ] \
        || fail "it did not stop in order when asked to"
    echo "It stopped in order."
}

# --- with buildah and debootstrap

storage() { buildah --root "$WORK/store" --runroot "$WORK/run" --storage-driver vfs "$@"; }

# The name that the Dockerfile builds on, taken from it, so that it is the real file that is built.
base_name() { sed -n 's/^ARG BASE=//p' Dockerfile; }

make_base() {
    local name
    name=$(base_name)
    storage inspect --type image "docker.io/library/$name" > /dev/null 2>&1 && return
    say "Making $name with debootstrap, once"
    rm -rf "$WORK/base"
    debootstrap --variant=minbase bookworm "$WORK/base" > "$WORK/debootstrap.log" \
        || { tail -n 5 "$WORK/debootstrap.log" >&2; fail "debootstrap could not make the base image"; }
    # What the published slim image leaves out too.
    rm -rf "$WORK"/base/{var/cache/apt,var/lib/apt/lists,var/log,usr/share/{doc,info,locale,man}}/*
    tar --directory "$WORK/base" --create --file "$WORK/base.tar" .
    printf 'FROM scratch\nADD base.tar /\n' > "$WORK/base.Dockerfile"
    storage build --isolation chroot --quiet --tag "docker.io/library/$name" \
        --file "$WORK/base.Dockerfile" "$WORK"
    rm -rf "$WORK/base" "$WORK/base.tar"
}

# One field of the image's configuration, a word a line.
config() {
    storage inspect --type image "$IMAGE" | python3 -c '
import json, sys
value = json.load(sys.stdin)["Docker"]["config"]
for key in sys.argv[1:]:
    value = value[key]
print(*([value] if isinstance(value, str) else value), sep="\n")' "$@"
}

# In namespaces of its own: becomes the command $3 ... in the image at $1 as the user $2.
enter() {
    local root=$1 user=$2 device
    shift 2
    ip link set lo up
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs tmpfs "$root/dev"
    mkdir -m 1777 "$root/dev/shm"
    for device in null zero random urandom; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    exec setpriv --no-new-privs chroot --userspec="$user:$user" "$root" env --ignore-environment "$@"
}

check_with_buildah() {
    local secrets user environment command health container root outer inner inside
    make_base
    say "Building with buildah"
    mapfile -t secrets < <(pip_secrets)
    storage build --isolation chroot --pull-never --format docker "${secrets[@]}" --tag "$IMAGE" . \
        > "$WORK/build.log" 2>&1 || { tail -n 30 "$WORK/build.log" >&2; fail "the build failed"; }
    rm -f "$WORK/pip.conf" "$WORK/ca.pem"

    user=$(config User)
    mapfile -t environment < <(config Env)
    mapfile -t command < <(config Cmd)
    mapfile -t health < <(config Healthcheck Test)
    case $user in '' | root | 0) fail "the image would run as root" ;; esac
    container=$(storage from --pull-never "$IMAGE")
    root=$(storage mount "$container")
    check_content "$root"

    say "Starting it: as $user, read-only, without capabilities or any network but its own"
    unshare --mount --pid --net --ipc --uts --fork --kill-child \
        bash -c "set -e; $(declare -f enter); enter \"\$@\"" bash \
        "$root" "$user" "${environment[@]}" "${command[@]}" &
    outer=$!
    # shellcheck disable=SC2064  # the names are known now
    trap "kill $outer 2> /dev/null || true
        storage umount '$container' > /dev/null; storage rm '$container' > /dev/null" EXIT
    sleep 0.5
    inner=$(cat "/proc/$outer/task/$outer/children")
    inner=${inner%% *}
    [ -n "$inner" ] || fail "it did not start"
    inside="nsenter --target $inner --mount --pid --net"
    check_answers "$inside curl --silent --show-error --fail" http://127.0.0.1:8000

    say "Looking at it from outside"
    $inside chroot --userspec="$user:$user" "$root" env --ignore-environment "${environment[@]}" \
        "${health[@]:1}" && echo "Health check: healthy"
    ! $inside touch "$root/written" 2> "$WORK/touch.log" || fail "its file system can be written to"
    grep --only-matching 'Read-only file system' "$WORK/touch.log"
    grep -E '^(Uid|CapEff|NoNewPrivs):' "/proc/$inner/status"
    awk '/^Uid:/ { exit $2 == 0 }' "/proc/$inner/status" || fail "it runs as root"

    say "Stopping it"
    kill -TERM "$inner"
    wait "$outer" || fail "it did not stop in order when asked to"
    echo "It stopped in order."

    cat <<TEXT

Not checked, for want of a Docker engine: the published $(base_name) itself (debootstrap made
its stand-in), the publishing of ports, the health check at its intervals, the engine's own seccomp
profile and storage.
TEXT
}

mkdir -p "$WORK"
for engine in docker podman; do
    if "$engine" version > /dev/null 2>&1; then
        check_with_engine "$engine"
        exit
    fi
done
for tool in buildah debootstrap unshare nsenter setpriv ip curl; do
    command -v "$tool" > /dev/null \
        || fail "neither docker nor podman runs here, and without them $tool is needed too"
done
[ "$(id -u)" = 0 ] || fail "neither docker nor podman runs here; without them this takes root"
check_with_buildah
