package testenv

import (
	"net"
	"testing"
)

// An address that is free stays so: for who listens there, again and again, and
// for nobody who takes any.
func TestFreeAddress(t *testing.T) {
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			t.Error("somebody answers at a free address")
		}
		for range 500 {
			other, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if other.Addr().String() == address {
				t.Error("it was given to another")
			}
			defer other.Close()
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		listener.Close()
	}
}
