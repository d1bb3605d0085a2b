# Runs a server, carries out orders, and waits for the end of its input: that comes when the test process has dropped the
# server, or has died. $1 is the server's folder, $2 the signal that ends it for good; the rest is its command line.

cd "$1" && exec 2>>keeper.log || exit 1
last=$2
shift 2
server=

kill_server() {
    [ -n "$server" ] || return
    # A server that is stopped makes no more children, so none is missed.
    kill -STOP "$server"
    children=$(pgrep -P "$server")
    kill -KILL "$server" $children
    wait
    server=
    # PostgreSQL does not start while one of them still has the shared memory. A zombie has no program any more.
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

while read -r order; do
    case $order in
        start) kill_server; "$@" </dev/null >>server.log 2>&1 & server=$! ;;
        kill) kill_server ;;
        stop) end_server INT ;;
        pause) kill -STOP "$server" ;;
        resume) kill -CONT "$server" ;;
    esac
    echo done
done
end_server "$last"
# What a PostgreSQL that was killed and never started again has left behind.
[ -f data/postmaster.pid ] && ipcrm -m "$(sed -n '7s/.* //p' data/postmaster.pid)"
cd / && rm -rf "$OLDPWD"
