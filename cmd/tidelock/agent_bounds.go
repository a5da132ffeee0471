package main

import (
	"errors"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/project"
)

// destinationsFlag confines the agent to namespaces, as an installation does.
const destinationsFlag = install.DestinationsFlag

// errFollowsAll is of flags that contradict each other.
var errFollowsAll = errors.New("leave it out beside --" + destinationsFlag + ": what is in other namespaces is followed in the whole cluster, and an agent that is confined has no right to that")

// checkElsewhere says what is wrong with patterns of other namespaces with Applications,
// or with ApplicationSets.
func (o *agentOptions) checkElsewhere(patterns []string) error {
	if len(o.destinations) > 0 && len(patterns) > 0 {
		return errFollowsAll
	}
	_, err := project.NewNamespaces(patterns)
	return err
}
