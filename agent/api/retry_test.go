package api

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"10", "10s"},
		{"0", "0s"},
		{"-1", "-1s"},
		{"1m30s", "1m30s"},
		{"500ms", "500ms"},
		{"", `duration "" is neither seconds nor like 1m30s`},
		{"5 s", `duration "5 s" is neither seconds nor like 1m30s`},
		{"1d", `duration "1d" is neither seconds nor like 1m30s`},
		{"1.5", `duration "1.5" is neither seconds nor like 1m30s`},
		{"9223372036854775807", `duration "9223372036854775807" is out of range`},
	} {
		var got string
		if d, err := ParseDuration(tt.in); err != nil {
			got = err.Error()
		} else {
			got = d.String()
		}
		if got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"10", "1h2m3s", "-5", "1e9s", "99999999999999999999", "5 s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		d, err := ParseDuration(in)
		if err != nil {
			if d != 0 {
				t.Errorf("%q: %v, and yet %v", in, err, d)
			}
			return
		}
		if again, err := ParseDuration(d.String()); err != nil || again != d {
			t.Errorf("%q is %v, which is %v, %v", in, d, again, err)
		}
		// A delay is never negative and never over its limit, whatever is written.
		retry := Retry{Backoff: &Backoff{Duration: in, MaxDuration: in}}
		for _, n := range []int64{0, 1, 1000} {
			if delay, err := retry.Delay(n); err != nil || delay < 0 || d > 0 && delay > d {
				t.Errorf("%q: delay %d is %v, %v", in, n, delay, err)
			}
		}
	})
}

func TestRetryDelay(t *testing.T) {
	for _, tt := range []struct {
		name    string
		backoff *Backoff
		want    string
	}{
		{"1.4 retry.backoff: 5s, times 2, at most 3m", nil, "5s 10s 20s 3m0s"},
		{"empty block", &Backoff{}, "5s 10s 20s 3m0s"},
		{"own", &Backoff{Duration: "1", Factor: ptr(int64(3)), MaxDuration: "5s"}, "1s 3s 5s 5s"},
		{"1.4 retry.backoff: maxDuration 0 is no cap", &Backoff{MaxDuration: "0"}, "5s 10s 20s " + time.Duration(math.MaxInt64).String()},
		{"steady", &Backoff{Factor: ptr(int64(1))}, "5s 5s 5s 5s"},
		{"factor zero", &Backoff{Factor: ptr(int64(0))}, "5s 0s 0s 0s"},
		{"negative factor", &Backoff{Factor: ptr(int64(-2))}, "5s 0s 20s 3m0s"},
		{"no duration", &Backoff{Duration: "0"}, "0s 0s 0s 0s"},
		{"limit below duration", &Backoff{MaxDuration: "2s"}, "2s 2s 2s 2s"},
		{"bad duration", &Backoff{Duration: "soon"}, `retry.backoff.duration: duration "soon" is neither seconds nor like 1m30s`},
		{"bad limit", &Backoff{MaxDuration: "1d"}, `retry.backoff.maxDuration: duration "1d" is neither seconds nor like 1m30s`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := delays(Retry{Backoff: tt.backoff}, 0, 1, 2, 1_000_000); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func delays(r Retry, retries ...int64) string {
	text := ""
	for i, n := range retries {
		d, err := r.Delay(n)
		if err != nil {
			return err.Error()
		}
		if i > 0 {
			text += " "
		}
		text += d.String()
	}
	return text
}

func TestRetryOf(t *testing.T) {
	for _, tt := range []struct {
		name      string
		policy    *SyncPolicy
		automated bool
		want      string // whether the first, the fifth and the sixth retry are allowed
	}{
		{"automatic, no policy", nil, true, "true true false"},
		{"1.4 retry.limit: manual, no policy", nil, false, "false false false"},
		{"2.15 fact 4: automatic, no retry block", &SyncPolicy{}, true, "true true false"},
		{"automatic, empty retry block", &SyncPolicy{Retry: &Retry{}}, true, "false false false"},
		{"manual, retry block", &SyncPolicy{Retry: &Retry{Limit: 6}}, false, "true true true"},
		{"without end", &SyncPolicy{Retry: &Retry{Limit: -1}}, false, "true true true"},
	} {
		r := tt.policy.RetryOf(tt.automated)
		if got := fmt.Sprint(r.Allows(0), r.Allows(4), r.Allows(5)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAutomated(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy *SyncPolicy
		want   string // automated, prunes, heals, allows empty
	}{
		{"no policy", nil, "false false false false"},
		{"no block", &SyncPolicy{}, "false false false false"},
		{"empty block", &SyncPolicy{Automated: &Automated{}}, "true false false false"},
		{"enabled", &SyncPolicy{Automated: &Automated{Enabled: ptr(true), Prune: ptr(true), AllowEmpty: ptr(true)}}, "true true false true"},
		{"1.4 automated.enabled: false keeps the other flags", &SyncPolicy{Automated: &Automated{Enabled: ptr(false), SelfHeal: ptr(true), Prune: ptr(false)}}, "false false true false"},
	} {
		var a *Automated
		if tt.policy != nil {
			a = tt.policy.Automated
		}
		if got := fmt.Sprint(tt.policy.IsAutomated(), a.Prunes(), a.Heals(), a.AllowsEmpty()); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
