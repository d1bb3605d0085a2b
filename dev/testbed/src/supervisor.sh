# Runs a server, executes commands from its input, and cleans up at the end of the input: then the test process has
# dropped the server, or has died. $1 is the folder of the server, $2 the signal that ends it; the rest is its command
# line.

cd "$1" && exec 2>>supervisor.log || exit 1
end_signal=$2
shift 2
server=

kill_server() {
    [ -n "$server" ] || return
    # A stopped server starts no more children, so none is missed.
    kill -STOP "$server"
    children=$(pgrep -P "$server")
    kill -KILL "$server" $children
    wait
    server=
    # PostgreSQL does not start while one of the children still has the shared memory. A zombie has no program any more.
    for child in $children; do
        while [ -e "/proc/$child/exe" ]; do sleep 0.01; done
    done
}

end_server() {
    [ -n "$server" ] || return
    kill "-$1" "$server"
    kill -CONT "$server"
    wait
    server=
}

while read -r command; do
    case $command in
        start) kill_server; "$@" </dev/null >>server.log 2>&1 & server=$! ;;
        kill) kill_server ;;
        stop) end_server INT ;;
        pause) kill -STOP "$server" ;;
        resume) kill -CONT "$server" ;;
    esac
    echo done
done
end_server "$end_signal"
# A PostgreSQL that was killed and not started again leaves shared memory behind.
[ -f data/postmaster.pid ] && ipcrm -m "$(sed -n '7s/.* //p' data/postmaster.pid)"
cd / && rm -rf "$OLDPWD"
