using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Reads and writes checkpoints of a run: the task's model, the optimizer's moments, the run's state and the checksums of all files.
/// </summary>
internal static class RunCheckpoint
{
    private const string OptimizerFile = "optimizer.safetensors";

    /// <summary>Writes a checkpoint completely or not at all.</summary>
    public static void Write(string path, ITrainingTask task, FlatAdamW optimizer, RunState state) => AtomicFolder.Write(path, folder =>
    {
        task.WriteModel(folder);
        SafeTensorSource[] moments = [.. optimizer.State.Select(moment => TensorStorage.Source(moment.Name, moment.Value))];
        SafeTensorsWriter.Write(Path.Combine(folder, OptimizerFile), moments);
        state.Write(folder);
        Checksums.Write(folder);
    });

    /// <summary>Checks all files against their checksums and reads the state.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="step">The step in its name.</param>
    /// <exception cref="InvalidDataException">The checkpoint is damaged; the message says where.</exception>
    public static RunState Open(string path, int step)
    {
        Checksums.Verify(path);
        RunState state = RunState.Read(path);
        return state.Step == step ? state : throw new InvalidDataException($"It is of step {state.Step}, not of the step in its name.");
    }

    /// <summary>Loads the weights of the checkpoint with the best evaluation into a task's model.</summary>
    /// <exception cref="InvalidDataException">It is damaged or missing.</exception>
    public static void ReadBestWeights(string path, ITrainingTask task)
    {
        try
        {
            Checksums.Verify(path);
            task.ReadWeights(path);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(
                $"The checkpoint of the best evaluation cannot be read: {e.Message} " +
                "Set ReturnBest to false to take the last step's weights.", e);
        }
    }

    /// <summary>Reads the optimizer's moments.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or of another model.</exception>
    public static void ReadOptimizer(string path, FlatAdamW optimizer, long steps)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(path, OptimizerFile));
        optimizer.Load(steps, name => TensorStorage.Read(file, name));
    }

    /// <summary>Finds the checkpoint to resume from.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="resume">What to do about existing checkpoints.</param>
    /// <param name="damaged">What to do about a damaged one.</param>
    /// <param name="warn">Called with a message for each damaged checkpoint that is skipped.</param>
    /// <returns>The checkpoint's folder and state; null to start a new run.</returns>
    /// <exception cref="InvalidOperationException">There is none although one is required, or one although none may exist.</exception>
    /// <exception cref="InvalidDataException">It is damaged; the message says where and what to do.</exception>
    public static (string Path, RunState State)? Find(RunFolder run, ResumeMode resume, DamagedCheckpoint damaged, Action<string> warn)
    {
        IReadOnlyList<(int Step, string Path)> found = run.Checkpoints;
        if (resume == ResumeMode.Never && found.Count > 0)
            throw new InvalidOperationException(
                $"Resume is Never, but there is a checkpoint at '{found[0].Path}'. " +
                "Use another CheckpointFolder, or delete the checkpoints in it.");
        foreach ((int step, string path) in found)
        {
            try
            {
                return (path, Open(path, step));
            }
            catch (InvalidDataException e) when (damaged == DamagedCheckpoint.UsePrevious)
            {
                warn($"The checkpoint '{path}' is skipped: {e.Message}");
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException(
                    $"The checkpoint '{path}' is damaged: {e.Message} " +
                    "Set DamagedCheckpoint to UsePrevious to resume from the one before it.", e);
            }
        }
        if (found.Count > 0) throw new InvalidDataException($"All {found.Count} checkpoints are damaged; the latest is '{found[0].Path}'.");
        if (resume == ResumeMode.Required)
            throw new InvalidOperationException(
                "Resume is Required, but the CheckpointFolder has no checkpoint. Set Resume to IfPresent to start a new run.");
        return null;
    }
}

/// <summary>
/// The state of a run, without the model and the optimizer. It has no random generator's state, because all draws depend only on the seed
/// and the step.
/// </summary>
internal sealed class RunState
{
    public const string FileName = "training.json";

    private const int CurrentVersion = 2;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public int Version { get; init; } = CurrentVersion;

    /// <summary>The run's fingerprint. The state of a run with another fingerprint is refused.</summary>
    public required Fingerprint Fingerprint { get; set; }

    /// <summary>The number of steps done, including skipped ones.</summary>
    public int Step { get; set; }

    /// <summary>The number of examples taken from the shuffled sequence, which is the position in the data.</summary>
    public long Examples { get; set; }

    /// <summary>The number of units (tokens, examples) trained on.</summary>
    public long Units { get; set; }

    /// <summary>The number of steps that the optimizer took.</summary>
    public long OptimizerSteps { get; set; }

    /// <summary>The step guard's state.</summary>
    public StepGuardState Guard { get; set; } = new();

    /// <summary>The last step's figures if their report waits for an evaluation; otherwise null.</summary>
    public PendingReport? Pending { get; set; }

    /// <summary>The best evaluation so far; null before the first one.</summary>
    public BestEvaluation? Best { get; set; }

    /// <summary>The number of evaluations since the best one.</summary>
    public int EvaluationsSinceBest { get; set; }

    /// <summary>The number of units of the last evaluation.</summary>
    public long ValidationUnits { get; set; }

    /// <summary>Wall time of the training steps.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>The reports so far.</summary>
    public List<TrainingProgress> History { get; init; } = [];

    private bool IsPossible =>
        Step > 0 && Examples > 0 && Units > 0 && OptimizerSteps >= 0 && OptimizerSteps <= Step && Elapsed >= TimeSpan.Zero
        && Guard.AcceptedSteps >= 0 && Guard.SkippedSteps >= 0 && Guard.AcceptedSteps + Guard.SkippedSteps == Step
        && Guard.ConsecutiveSkips >= 0 && Guard.ConsecutiveSkips <= Guard.SkippedSteps
        && EvaluationsSinceBest >= 0 && EvaluationsSinceBest <= Step && ValidationUnits >= 0
        && (Best is null || (Best.Step > 0 && Best.Step <= Step))
        && History.Zip(History.Skip(1)).All(pair => pair.First.Step < pair.Second.Step)
        && (History.Count == 0 || (History[0].Step > 0 && History[^1].Step <= Step));

    /// <summary>Checks that a run with these options can reach this state.</summary>
    /// <exception cref="InvalidDataException">It cannot, so the state is damaged.</exception>
    public void RequirePlaceIn(TrainingOptions o, string checkpoint)
    {
        long ofAStep = (long)o.BatchSize * o.GradientAccumulationSteps, examples = ofAStep * (o.OverfitOneBatch ? 1 : Step);
        bool reported = Pending is not null || (History.Count > 0 && History[^1].Step == Step);
        int maxSteps = o.EffectiveMaxSteps ?? int.MaxValue;
        if (Step <= maxSteps && Examples == examples && Units <= ofAStep * o.UnitsPerExample * Step && (reported || Step < maxSteps))
            return;
        throw new InvalidDataException(
            $"The checkpoint '{checkpoint}' is damaged: its '{FileName}' describes step {Step} after {Examples} examples, which this " +
            "run never reaches.");
    }

    /// <summary>Writes the state to a folder.</summary>
    public void Write(string folder)
    {
        using FileStream stream = File.Create(Path.Combine(folder, FileName));
        JsonSerializer.Serialize(stream, this, Json);
    }

    /// <summary>Reads the state from a folder.</summary>
    /// <exception cref="InvalidDataException">The file is missing or invalid; the message names it and says what is wrong.</exception>
    public static RunState Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new InvalidDataException($"'{folder}' has no file '{FileName}'.");
        try
        {
            using FileStream stream = File.OpenRead(path);
            RunState state = JsonSerializer.Deserialize<RunState>(stream, Json) ?? throw new JsonException("it is empty");
            if (state.Version != CurrentVersion)
                throw new JsonException($"its version is {state.Version}, and this library reads version {CurrentVersion}");
            if (state is { Fingerprint: null or { Source: null } or { Settings: null } } or { Guard: null } or { History: null }
                || state.History.Contains(null!))
                throw new JsonException("a part of it is null");
            if (!state.IsPossible) throw new JsonException("no run can be in that state");
            return state;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"'{path}' does not describe a training run: {e.Message}", e);
        }
    }
}

/// <summary>The figures of a step whose report is pending.</summary>
/// <param name="Loss">Mean loss of the step's tokens, nats.</param>
/// <param name="LearningRate">The learning rate.</param>
/// <param name="GradNorm">The gradients' norm before clipping.</param>
internal sealed record PendingReport(double Loss, double LearningRate, double GradNorm);

/// <summary>The evaluation with the lowest <see cref="HeldOutResult.Criterion"/>.</summary>
/// <param name="Step">The step after which the evaluation was made.</param>
/// <param name="Loss">The criterion.</param>
internal sealed record BestEvaluation(int Step, double Loss);
