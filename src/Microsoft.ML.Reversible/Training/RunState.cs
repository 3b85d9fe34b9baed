using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Where a run stands, but for the model and the optimizer. Nothing random needs keeping: what is drawn depends on the seed and the step.
/// </summary>
internal sealed class RunState
{
    public const string FileName = "training.json";

    private const int CurrentVersion = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public int Version { get; init; } = CurrentVersion;

    /// <summary>What the run is a run of; another run's state is not gone on from.</summary>
    public required RunIdentity Identity { get; init; }

    /// <summary>Steps done, skipped ones too.</summary>
    public int Step { get; set; }

    /// <summary>Windows taken from the shuffled sequence: the position in the data.</summary>
    public long Windows { get; set; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens { get; set; }

    /// <summary>Steps that the optimizer took.</summary>
    public long OptimizerSteps { get; set; }

    /// <summary>What the step guard knows.</summary>
    public StepGuardState Guard { get; set; } = new();

    /// <summary>The last step's figures where their report is still to be made, since it needs an evaluation; else null.</summary>
    public PendingReport? Pending { get; set; }

    /// <summary>The best evaluation so far; null before the first one.</summary>
    public BestEvaluation? Best { get; set; }

    /// <summary>Evaluations since the best one.</summary>
    public int EvaluationsSinceBest { get; set; }

    /// <summary>Tokens of the last evaluation.</summary>
    public long ValidationTokens { get; set; }

    /// <summary>Wall time of the training steps.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>The reports so far.</summary>
    public List<TrainingProgress> History { get; init; } = [];

    private bool IsPossible =>
        Step > 0 && Windows > 0 && Tokens > 0 && OptimizerSteps >= 0 && OptimizerSteps <= Step && Elapsed >= TimeSpan.Zero
        && Guard.AcceptedSteps >= 0 && Guard.SkippedSteps >= 0 && Guard.AcceptedSteps + Guard.SkippedSteps == Step
        && Guard.ConsecutiveSkips >= 0 && Guard.ConsecutiveSkips <= Guard.SkippedSteps
        && EvaluationsSinceBest >= 0 && EvaluationsSinceBest <= Step && ValidationTokens >= 0
        && (Best is null || (Best.Step > 0 && Best.Step <= Step))
        && History.Zip(History.Skip(1)).All(pair => pair.First.Step < pair.Second.Step)
        && (History.Count == 0 || (History[0].Step > 0 && History[^1].Step <= Step));

    /// <summary>Checks that a run with these options comes by here.</summary>
    /// <exception cref="InvalidDataException">It does not: the state is damaged.</exception>
    public void RequirePlaceIn(ReversibleLmTrainer.Options o, string checkpoint)
    {
        long windows = (long)o.BatchSize * o.GradientAccumulationSteps * (o.OverfitOneBatch ? 1 : Step);
        bool reported = Pending is not null || (History.Count > 0 && History[^1].Step == Step);
        if (Step <= o.MaxSteps && Windows == windows && Tokens <= (long)o.BatchSize * o.GradientAccumulationSteps * o.ContextLength * Step
            && (reported || Step < o.MaxSteps))
            return;
        throw new InvalidDataException(
            $"The checkpoint '{checkpoint}' is damaged: its '{FileName}' describes step {Step} after {Windows} windows, where this run " +
            "does not come by.");
    }

    /// <summary>Writes the state to a folder.</summary>
    public void Write(string folder)
    {
        using FileStream stream = File.Create(Path.Combine(folder, FileName));
        JsonSerializer.Serialize(stream, this, Json);
    }

    /// <summary>Reads the state from a folder.</summary>
    /// <exception cref="InvalidDataException">The file is missing or is not one; the message names it and what is wrong.</exception>
    public static RunState Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new InvalidDataException($"'{folder}' lacks the file '{FileName}'.");
        try
        {
            using FileStream stream = File.OpenRead(path);
            RunState state = JsonSerializer.Deserialize<RunState>(stream, Json) ?? throw new JsonException("it holds nothing");
            if (state.Version != CurrentVersion)
                throw new JsonException($"its version is {state.Version}, and this library reads version {CurrentVersion}");
            if (state is { Identity: null or { Source: null } or { Settings: null } } or { Guard: null } or { History: null }
                || state.History.Contains(null!))
                throw new JsonException("a part of it is null");
            if (!state.IsPossible) throw new JsonException("no run can stand where it says");
            return state;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"'{path}' does not describe a training run: {e.Message}", e);
        }
    }
}

/// <summary>The figures of a step whose report is still to be made.</summary>
/// <param name="Loss">Mean loss of the step's tokens, nats.</param>
/// <param name="LearningRate">The learning rate.</param>
/// <param name="GradNorm">The gradients' norm before clipping.</param>
internal sealed record PendingReport(double Loss, double LearningRate, double GradNorm);

/// <summary>The evaluation with the least of what <see cref="ITrainingObjective.Evaluate"/> says.</summary>
/// <param name="Step">The step after which it was made.</param>
/// <param name="Loss">The mean of that, nats.</param>
internal sealed record BestEvaluation(int Step, double Loss);
