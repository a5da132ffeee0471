package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// maxSpan bounds what a calendar looks ahead.
const maxSpan = 3660 * day

var errSpan = errors.New("give a duration such as 14d, 2w, 36h or 1d12h, of ten years at most")

// parseSpan reads a length of time as people write it: a Go duration, before which
// weeks and days may stand, as in 90m, 36h, 14d, 2w or 1d12h.
func parseSpan(text string) (time.Duration, error) {
	var total time.Duration
	rest := text
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"w", 7 * day}, {"d", day}} {
		count, after, ok := strings.Cut(rest, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("%.40q: %w", text, errSpan)
		}
		total += time.Duration(n) * unit.length
		rest = after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil {
			return 0, fmt.Errorf("%.40q: %w", text, errSpan)
		}
		total += d
	}
	if text == "" || total <= 0 || total > maxSpan {
		return 0, fmt.Errorf("%.40q: %w", text, errSpan)
	}
	return total, nil
}

// spanText prints a duration in its two largest units: 3d4h, 5h10m, 2m5s.
func spanText(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	left := d.Round(time.Second)
	var parts []string
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := left / unit.length; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, unit.name))
			left %= unit.length
		} else if len(parts) > 0 {
			break
		}
	}
	return strings.Join(parts[:min(2, len(parts))], "")
}
