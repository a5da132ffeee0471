package testenv

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A Way is how a network is between an agent and a cluster.
type Way int

// Ways.
const (
	// Open carries everything.
	Open Way = iota
	// Hanging takes connections and carries nothing, as where packets are dropped. What
	// was said meanwhile is lost, and its connections with it.
	Hanging
	// Refusing ends all connections at once.
	Refusing
)

// A Partition is a network before a server that may be cut.
type Partition struct {
	listener net.Listener
	group    errgroup.Group

	mu        sync.Mutex // guards all below
	to        string
	way       Way
	crossings map[*crossing]bool
}

// A crossing is a connection from either side.
type crossing struct{ near, far net.Conn }

func (c *crossing) close() {
	_ = c.near.Close()
	_ = c.far.Close()
}

// StartPartition runs one, which is open, before an address of the loopback device.
func StartPartition(ctx context.Context, to string) (*Partition, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Partition{listener: listener, to: to, crossings: map[*crossing]bool{}}
	p.group.Go(p.serve)
	return p, nil
}

// Address is where the server is reached through it.
func (p *Partition) Address() string { return p.listener.Addr().String() }

// Be changes how the network is.
func (p *Partition) Be(way Way) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.way
	p.way = way
	if way == Refusing || was == Hanging {
		for of := range p.crossings {
			of.close()
		}
		clear(p.crossings)
	}
}

// Lead has the connections that are made from now on go to another address.
func (p *Partition) Lead(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

// Close ends it.
func (p *Partition) Close() error {
	p.Be(Refusing)
	return errors.Join(p.listener.Close(), p.group.Wait())
}

func (p *Partition) serve() error {
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		p.take(conn)
	}
}

// take begins with a connection, as the network is.
func (p *Partition) take(near net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.way == Refusing {
		_ = near.(*net.TCPConn).SetLinger(0) // a reset
		_ = near.Close()
		return
	}
	far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		_ = near.Close()
		return
	}
	crossed := &crossing{near, far}
	p.crossings[crossed] = true
	p.group.Go(func() error { return p.carry(crossed, near, far) })
	p.group.Go(func() error { return p.carry(crossed, far, near) })
}

// carry copies one direction, for as long as the network is open. What comes while it
// hangs is swallowed.
func (p *Partition) carry(of *crossing, from io.Reader, to io.Writer) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err == nil && !p.hangs() {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			p.mu.Lock()
			delete(p.crossings, of)
			p.mu.Unlock()
			of.close()
			return nil //nolint:nilerr // as connections end
		}
	}
}

func (p *Partition) hangs() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.way == Hanging
}
