package main

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want string // as spanText prints it; "" is an error
	}{
		{"14d", "14d"}, {"2w", "14d"}, {"36h", "1d12h"}, {"1d12h", "1d12h"}, {"1w1d1h30m", "8d1h"}, {"90m", "1h30m"}, {"45s", "45s"},
		{"3660d", "3660d"},
		{"", ""}, {"14", ""}, {"14x", ""}, {"-1d", ""}, {"0d", ""}, {"d", ""}, {"1h1d", ""}, {"3661d", ""}, {"99999999999d", ""}, {"1.5d", ""},
	} {
		got, err := parseSpan(tt.in)
		text := spanText(got)
		if err != nil {
			text = ""
		}
		if text != tt.want {
			t.Errorf("%q: got %q, %v; want %q", tt.in, text, err, tt.want)
		}
	}
}

func TestSpanText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 300 * time.Millisecond: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m1s", time.Hour + time.Second: "1h",
		25 * time.Hour: "1d1h", 24*time.Hour + time.Minute: "1d",
	} {
		if got := spanText(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}
