package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
)

// A form is a way to write a value, in the words of messages; "" is as it is.
type form string

const (
	plainForm  form = ""
	jsonForm   form = "escaped for JSON"
	base64Form form = "in base64"
	hexForm    form = "in hex"
	urlForm    form = "escaped for a URL"
)

// written is a value in one of its forms.
type written struct {
	form form
	text []byte
}

// forms returns the ways to write a value, each once.
func forms(value []byte) []written {
	list := []written{{plainForm, value}}
	add := func(f form, text []byte) {
		for _, known := range list {
			if bytes.Equal(known.text, text) {
				return
			}
		}
		list = append(list, written{f, text})
	}
	add(jsonForm, inJSON(value, true))
	add(jsonForm, inJSON(value, false))
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			add(base64Form, inBase64(alphabet, value, before))
		}
	}
	encoded := hex.EncodeToString(value)
	add(hexForm, []byte(encoded))
	add(hexForm, []byte(strings.ToUpper(encoded)))
	add(urlForm, []byte(url.QueryEscape(string(value))))
	add(urlForm, []byte(url.PathEscape(string(value))))
	return list
}

// inJSON is what stands between the quotes. Some writers escape what HTML takes
// for a tag, others do not.
func inJSON(value []byte, html bool) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(html)
	if e.Encode(string(value)) != nil {
		return value // a string always encodes
	}
	return bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(out.Bytes()), []byte(`"`)), []byte(`"`))
}

// inBase64 is what stays of a value when it is encoded after some other bytes and
// before any: the characters that come of the value alone.
func inBase64(alphabet *base64.Encoding, value []byte, before int) []byte {
	encoded := make([]byte, alphabet.EncodedLen(before+len(value)))
	alphabet.Encode(encoded, append(make([]byte, before, before+len(value)), value...))
	first, last := (before*8+5)/6, (before+len(value))*8/6
	return encoded[first:last]
}
