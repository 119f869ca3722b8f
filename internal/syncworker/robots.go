package syncworker

import (
	"errors"
	"maps"
	"slices"

	"refundsync/activities"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/robot"
	"refundsync/internal/text"
)

// Robots makes the robots that the flows name, with their addresses and secrets from the
// environment. The error lists all mistakes.
func Robots(environment config.Environment, flows flow.Flows) (activities.Robots, error) {
	robots := activities.Robots{}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		for _, named := range flows[name].Alerts.Robots {
			r, err := NewRobot(environment, named)
			if err != nil {
				problems = append(problems, text.Errorf("flow %s: %w", name, err))
				continue
			}
			if robots[name] == nil {
				robots[name] = map[string]activities.Robot{}
			}
			robots[name][named.URLFrom] = r
		}
	}
	return robots, errors.Join(problems...)
}

// NewRobot makes one robot with its settings from the environment. The error lists all
// mistakes, and contains neither address nor secret.
func NewRobot(environment config.Environment, named flow.Robot) (*robot.Robot, error) {
	settings, err := environment.LoadRobot(named.URLFrom, named.SecretFrom)
	if err != nil {
		return nil, err
	}
	return robot.New(robot.Config{Kind: robot.Kind(named.Kind), URL: settings.URL, Secret: settings.Secret})
}
