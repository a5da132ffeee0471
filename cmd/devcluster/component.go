package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	_ "time/tzdata" // a CronJob may name a time zone

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli"
	logsapi "k8s.io/component-base/logs/api/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// The parts, by the names they have everywhere else.
const (
	etcdName              = "etcd"
	apiServerName         = "kube-apiserver"
	controllerManagerName = "kube-controller-manager"
)

// componentName is the hidden subcommand under which this binary is a part.
const componentName = "component"

// listenerFD is the descriptor on which the API server finds its listener.
const listenerFD = 3

// componentCommand is one part of the control plane. Each is a process of its
// own, for their packages keep state in globals that cannot be shared.
func componentCommand() *cobra.Command {
	return &cobra.Command{
		Use:                componentName + " NAME [FLAGS]",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("no component named")}
			}
			return runComponent(args[0], args[1:])
		},
	}
}

func runComponent(name string, flags []string) error {
	switch name {
	case etcdName:
		etcdmain.Main(append([]string{etcdName}, flags...))
		return nil
	case apiServerName:
		return runAPIServer(flags)
	case controllerManagerName:
		cmd := controllermanager.NewControllerManagerCommand()
		cmd.SetArgs(flags)
		os.Exit(cli.Run(cmd))
	}
	return usageError{fmt.Errorf("unknown component %q", name)}
}

// runAPIServer does what the command of kube-apiserver does, but for the port:
// the parent hands down a socket that already listens, so no other process can
// take the port in between.
func runAPIServer(flags []string) error {
	s := options.NewServerRunOptions()
	all := pflag.NewFlagSet(apiServerName, pflag.ContinueOnError)
	for _, set := range s.Flags().FlagSets {
		all.AddFlagSet(set)
	}
	if err := all.Parse(flags); err != nil {
		return err
	}
	listener, err := net.FileListener(os.NewFile(listenerFD, "listener"))
	if err != nil {
		return fmt.Errorf("listener from the parent: %w", err)
	}
	s.SecureServing.Listener = listener

	registry := s.GenericServerRunOptions.ComponentGlobalsRegistry
	if err := registry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	if err := logsapi.ValidateAndApply(s.Logs, registry.FeatureGateFor("kube")); err != nil {
		return err
	}
	ctx := genericapiserver.SetupSignalContext()
	completed, err := s.Complete(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(completed.Validate()...); err != nil {
		return err
	}
	return apiserver.Run(ctx, completed)
}
