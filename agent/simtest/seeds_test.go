package simtest

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

var (
	seeds          = flag.Uint64("seeds", 100, "how many seeds TestSeeds lives through")
	first          = flag.Uint64("first", 1, "the first of them")
	replicas       = flag.Uint64("replicas", 5, "how many seeds TestReplicatedSeeds lives through, each of which takes as long as twenty")
	only           = flag.Uint64("seed", 0, "the one seed to live through, with its story in any case if -v is set")
	onlyReplicated = flag.Uint64("replicated", 0, "likewise, with several replicas")
	again          = flag.Int("again", 1, "how often to live through each seed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // client-go tells of every fault
	// One of these handlers sleeps by the time of the last error of the process,
	// which may be of another bubble, years away.
	utilruntime.ErrorHandlers = nil //nolint:reassign // the only way to be without
	debug.SetGCPercent(1000)        // a world is small, and soon gone
	os.Exit(m.Run())
}

// TestSeeds lives through seeds: what must hold in each is in the files
// watchful.go, ledger.go and settle.go.
func TestSeeds(t *testing.T) {
	t.Parallel()
	if *only > 0 {
		for range *again {
			live(t, *only)
		}
		return
	}
	shards := uint64(runtime.GOMAXPROCS(0))
	for shard := range shards {
		t.Run("shard", func(t *testing.T) {
			t.Parallel()
			failed := 0
			for seed := *first + shard; seed < *first+*seeds && failed < 3; seed += shards {
				for range *again {
					if !live(t, seed) {
						failed++
						break
					}
				}
			}
		})
	}
}

// TestReplicatedSeeds lives through seeds with several replicas of the engine.
func TestReplicatedSeeds(t *testing.T) {
	t.Parallel()
	if *onlyReplicated > 0 {
		for range *again {
			liveAs(t, *onlyReplicated, simulateReplicas, commandOfReplicas)
		}
		return
	}
	failed := 0
	for seed := *first; seed < *first+*replicas && failed < 3; seed++ {
		if !liveAs(t, seed, simulateReplicas, commandOfReplicas) {
			failed++
		}
	}
}

// live lives through one seed, and tells its story if anything is wrong.
func live(t *testing.T, seed uint64) (well bool) { return liveAs(t, seed, simulate, command) }

func liveAs(t *testing.T, seed uint64, simulate func(context.Context, uint64) *world, command func(uint64) string) (well bool) {
	synctest.Test(t, func(t *testing.T) {
		w := simulate(t.Context(), seed)
		well = len(w.failures) == 0
		switch {
		case !well:
			t.Errorf("seed %d: %s\nagain: %s\n%s", seed, w.failures[0], command(seed), w.story)
		case *only > 0, *onlyReplicated > 0:
			t.Logf("seed %d\n%s", seed, w.story)
		}
	})
	return well
}
