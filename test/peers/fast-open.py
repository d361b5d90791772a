# The kernel's TCP with Fast Open: a server that answers the text it gets, or a client that asks three times.
import socket, sys

role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
MSG_FASTOPEN = 0x20000000
if role == 'server':
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, 23, 16)
    listener.bind((address, port))
    listener.listen(16)
    print(listener.getsockname()[1], flush=True)
    while True:
        peer, _ = listener.accept()
        while True:
            data = peer.recv(4096)
            if not data:
                break
            peer.sendall(data)
        peer.close()
for i in range(3):
    s = socket.socket()
    s.sendto(b'question %d' % i, MSG_FASTOPEN, (address, port))
    s.settimeout(20)
    print(s.recv(4096).decode(), flush=True)
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
    s.close()
