package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// clusterVerbs are those of stories about several clusters.
var clusterVerbs = []verb{
	{"cluster NAME: start another control plane, without controllers, behind a network that may be cut; a Secret for it is made of ${NAME_SERVER}, ${NAME_TOKEN}, a canary, and ${NAME_CA}", 1, 1, (*scene).otherCluster},
	{"token NAME: another ${NAME_TOKEN}", 1, 1, (*scene).otherToken},
	{"network NAME open|hanging|refusing: how it is between the agent and a cluster", 2, 2, (*scene).network},
	{"requests NAME: write to the file requests what the agent has asked of a cluster since the last time", 1, 1, (*scene).otherRequests},
}

// inVerb is apart, for it knows all others.
const inVerb = "in"

// An otherCluster is one beside that which all stories share.
type otherCluster struct {
	*world
	network *testenv.Partition
}

func (s *scene) otherCluster(args []string) error {
	name := args[0]
	cluster, err := testenv.StartAPIServer(s.ctx, s.bin, filepath.Join(s.dir, ".cluster-"+name), testenv.ServiceAccountUser(s.namespace, "tidelock"))
	if err != nil {
		return err
	}
	network, err := testenv.StartPartition(s.ctx, strings.TrimPrefix(cluster.Config.Host, "https://"))
	if err != nil {
		_ = cluster.Stop()
		return err
	}
	kinds := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(cluster.Typed.Discovery()))
	s.others[name] = &otherCluster{&world{s.bin, cluster, kinds}, network}
	s.ts.Setenv(strings.ToUpper(name)+"_SERVER", "https://"+network.Address())
	s.ts.Setenv(strings.ToUpper(name)+"_CA", base64.StdEncoding.EncodeToString(cluster.Config.CAData))
	return s.otherToken(args)
}

// otherToken makes a token of the ServiceAccount that the agent has in a cluster. Of a
// token, the signature is what nobody can guess.
func (s *scene) otherToken(args []string) error {
	other, file := s.others[args[0]], s.ts.MkAbs(".token-"+args[0])
	if err := other.cluster.ServiceAccount(s.ctx, s.namespace, "tidelock", file); err != nil {
		return err
	}
	config, err := clientcmd.LoadFromFile(file)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return err
	}
	for _, login := range config.AuthInfos {
		s.ts.Setenv(strings.ToUpper(args[0])+"_TOKEN", login.Token)
		s.canaries = append(s.canaries, testenv.Canary{Name: "token of " + args[0], Text: login.Token[strings.LastIndex(login.Token, ".")+1:]})
	}
	return nil
}

func (s *scene) network(args []string) error {
	way, ok := map[string]testenv.Way{"open": testenv.Open, "hanging": testenv.Hanging, "refusing": testenv.Refusing}[args[1]]
	if !ok {
		return fmt.Errorf("a network is not %s", args[1])
	}
	s.others[args[0]].network.Be(way)
	return nil
}

func (s *scene) otherRequests(args []string) error {
	requests, err := s.others[args[0]].cluster.Audit.Next()
	if err != nil {
		return err
	}
	return os.WriteFile(s.ts.MkAbs("requests"), []byte(strings.ReplaceAll(requests.String(), ", ", "\n")+"\n"), 0o600)
}

// in plays a verb in another cluster.
func in(all []verb) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		s := ts.Value(theStory).(*story)
		if len(args) < 2 || s.others[args[0]] == nil {
			ts.Fatalf("usage: in NAME VERB ARGUMENT...: do it in another cluster")
		}
		for _, v := range all {
			if strings.TrimSuffix(strings.Fields(v.usage)[0], ":") != args[1] {
				continue
			}
			there := *s
			there.world = s.others[args[0]].world
			v.playIn(&there, ts, neg, args[2:])
			return
		}
		ts.Fatalf("in: there is no verb %s", args[1])
	}
}
