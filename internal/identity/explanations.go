package identity

// LevelExplanation says why labels give a level.
type LevelExplanation struct {
	Level   int
	Reached []Requirement // of levels 1 to Level: the labels meet all of them
	Missing *Requirement  // of the next level: the labels do not meet it; nil at the highest level
	Beyond  []Requirement // met, but of levels above the missing one, so they have no effect
}

// StateExplanation says why labels give a state: because of a trigger, because activation
// requirements are missing, or, with neither, because all requirements are met.
type StateExplanation struct {
	State   string
	Trigger *Trigger      // the trigger that decides; nil where none matches
	Label   *Label        // the label that matches it
	Missing []Requirement // unmet activation requirements; they have no effect where a trigger matches
}

// ExplainLevel says why labels have their [Policy.Level].
func (p Policy) ExplainLevel(labels []Label) LevelExplanation {
	level := p.Level(labels)
	explained := LevelExplanation{Level: level, Reached: p.Levels[:level]}
	if level == len(p.Levels) {
		return explained
	}
	explained.Missing = &p.Levels[level]
	for _, requirement := range p.Levels[level+1:] {
		if requirement.isMet(labels) {
			explained.Beyond = append(explained.Beyond, requirement)
		}
	}
	return explained
}

// ExplainState says why labels have their [Policy.State].
func (p Policy) ExplainState(labels []Label) StateExplanation {
	explained := StateExplanation{State: p.State(labels)}
	for _, requirement := range p.ActivationRequirements {
		if !requirement.isMet(labels) {
			explained.Missing = append(explained.Missing, requirement)
		}
	}
	for i := range p.StateTriggers {
		for j := range labels {
			if p.StateTriggers[i].isSetOff(labels[j : j+1]) {
				explained.Trigger, explained.Label = &p.StateTriggers[i], &labels[j]
				return explained
			}
		}
	}
	return explained
}
