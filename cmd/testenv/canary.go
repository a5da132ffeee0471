package testenv

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// A Canary is a secret that may stand nowhere but where it is meant to. Its text
// must be random all over, since pieces of it are searched for.
type Canary struct {
	Name string // how reports call it
	Text string
}

// canaryText is what canaries are made of: letters and digits, and characters
// that URLs, JSON and HTML write in other ways. None needs quotes in an .env
// file.
const canaryText = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+&<%"

// NewCanary makes one that nobody can guess: of 40 characters. The first is a letter,
// so that it needs no quotes in YAML either.
func NewCanary(name string) Canary {
	text := make([]byte, 40)
	rand.Read(text) // never fails
	for i, b := range text {
		from := canaryText
		if i == 0 {
			from = canaryText[:52]
		}
		text[i] = from[int(b)%len(from)]
	}
	return Canary{name, string(text)}
}

// Canaries searches for several at once, in one pass over the text whatever
// their number. The zero Canaries find nothing.
type Canaries struct {
	all     []Canary
	needles map[[head]byte][]needle
	maybe   [1 << 16]bool // by the first two bytes of each needle
}

// A needle is a piece of a canary in one of its forms.
type needle struct {
	rest   []byte // after the first bytes, by which it is found
	canary string
	form   string
}

// head is the length of the key by which needles are found.
const head = 8

// A piece of a canary's own text counts from 8 bytes on, a piece of an encoded
// one from 16 on, since digests are hexadecimal too.
const (
	rawPiece     = 8
	encodedPiece = 16
)

// NewCanaries prepares the search.
func NewCanaries(all ...Canary) *Canaries {
	c := &Canaries{all: all, needles: map[[head]byte][]needle{}}
	for _, canary := range all {
		c.add(canary.Name, "plain", []byte(canary.Text), rawPiece)
		for form, text := range encodedForms([]byte(canary.Text)) {
			c.add(canary.Name, form, text, encodedPiece)
		}
		for _, word := range machineWords([]byte(canary.Text)) {
			c.add(canary.Name, "an argument in a stack", word, len(word))
		}
	}
	return c
}

// add takes every piece of a form, of the given length.
func (c *Canaries) add(name, form string, text []byte, length int) {
	for at := 0; at+length <= len(text); at++ {
		piece := text[at : at+length]
		key := [head]byte(piece)
		c.needles[key] = append(c.needles[key], needle{piece[head:], name, form})
		c.maybe[pair(piece)] = true
	}
}

func pair(b []byte) int { return int(b[0])<<8 | int(b[1]) }

// A Finding is a place where a canary stands. It does not show the canary.
type Finding struct {
	Canary string
	Form   string // "plain", or how it is encoded
	Where  string
	Offset int
}

func (f Finding) String() string {
	return fmt.Sprintf("%s (%s) in %s at byte %d", f.Canary, f.Form, f.Where, f.Offset)
}

// Search returns the first finding of each canary in text, which where describes.
func (c *Canaries) Search(where string, text []byte) []Finding {
	var found []Finding
	seen := map[string]bool{}
	for at := 0; at+head <= len(text); at++ {
		if !c.maybe[pair(text[at:])] {
			continue
		}
		for _, n := range c.needles[[head]byte(text[at:])] {
			if !seen[n.canary] && bytes.HasPrefix(text[at+head:], n.rest) {
				seen[n.canary] = true
				found = append(found, Finding{n.canary, n.form, where, at})
			}
		}
	}
	return found
}

// encodedForms returns text as the usual encodings write it, wherever in a
// larger encoded text it may stand.
func encodedForms(text []byte) map[string][]byte {
	asJSON, _ := json.Marshal(string(text)) // cannot fail for a string
	forms := map[string][]byte{
		"hex":         []byte(hex.EncodeToString(text)),
		"HEX":         []byte(strings.ToUpper(hex.EncodeToString(text))),
		"url query":   []byte(url.QueryEscape(string(text))),
		"url path":    []byte(url.PathEscape(string(text))),
		"json":        bytes.Trim(asJSON, `"`),
		"json twice":  bytes.ReplaceAll(bytes.Trim(asJSON, `"`), []byte(`\`), []byte(`\\`)),
		"go bytes":    []byte(strings.Trim(fmt.Sprint(text), "[]")),
		"go hex list": []byte(strings.Trim(fmt.Sprintf("% x", text), "[]")),
	}
	for alphabet, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
		for i, once := range base64Forms(encoding, text) {
			forms[fmt.Sprintf("%s, shifted by %d", alphabet, i)] = once
			for j, twice := range base64Forms(encoding, once) {
				forms[fmt.Sprintf("%s twice, shifted by %d and %d", alphabet, i, j)] = twice
			}
		}
	}
	return forms
}

// machineWords returns each 8 bytes of text as a dump of goroutines prints an
// argument that holds them.
func machineWords(text []byte) (words [][]byte) {
	for at := 0; at+8 <= len(text); at++ {
		words = append(words, fmt.Appendf(nil, "%#x", binary.LittleEndian.Uint64(text[at:])))
	}
	return words
}

// base64Forms returns what stays of text when it is encoded after 0, 1 or 2
// other bytes and before any: the characters that come of text alone.
func base64Forms(encoding *base64.Encoding, text []byte) [3][]byte {
	var forms [3][]byte
	for before := range forms {
		encoded := encoding.EncodeToString(append(make([]byte, before), text...))
		first := (before*8 + 5) / 6 // the first character with bits of text alone
		last := (before + len(text)) * 8 / 6
		forms[before] = []byte(encoded[first:last])
	}
	return forms
}
