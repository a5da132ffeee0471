package sealed

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"testing"
)

// BenchmarkOpen opens a SealedSecret of ten items, sealed for the first of three
// keys that are tried, and for the last. Beside it is what bounds both: ten RSA
// operations, here on one core, while items are opened on all. Keys have 4096
// bits, unless their controller was told otherwise.
func BenchmarkOpen(b *testing.B) {
	for _, bits := range []int{2048, 4096} {
		pairs := []map[string][]byte{keyPairOf(b, bits), keyPairOf(b, bits), keyPairOf(b, bits)}
		keys := parseKeys(b, pairs...)
		data := map[string][]byte{}
		for i := range 10 {
			data[fmt.Sprintf("key%d", i)] = []byte(canary)
		}
		for name, pair := range map[string]map[string][]byte{"first": pairs[0], "last": pairs[2]} {
			o := newObject(b, seal1(b, pair, "strict", "shop", "db", data))
			b.Run(fmt.Sprintf("%d/%s", bits, name), func(b *testing.B) {
				for b.Loop() {
					if _, err := (Opener{Keys: keys}).Open(b.Context(), o); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("%d/bound", bits), func(b *testing.B) { tenOperations(b, keys.held[0].private) })
	}
}

func tenOperations(b *testing.B, private *rsa.PrivateKey) {
	session, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &private.PublicKey, make([]byte, 32), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for range 10 {
			if _, err := rsa.DecryptOAEP(sha256.New(), nil, private, session, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}
