using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// What a run trains, and on what: parameters, examples and a loss. The loop, the optimizer, checkpoints and resuming depend on this alone.
/// </summary>
/// <remarks>A task is made with the weights of <see cref="TrainingRun.Checkpoint"/> where the run has one.</remarks>
internal interface ITrainingTask
{
    /// <summary>What the loss is a mean over, in the plural: <c>tokens</c>, <c>examples</c>.</summary>
    string Unit { get; }

    /// <summary>The model and the data in a phrase, for the log.</summary>
    string Description { get; }

    /// <summary>Where the parameters are.</summary>
    Device Device { get; }

    /// <summary>The parameters: a group for each layer in forward order, and last a group of all others.</summary>
    IReadOnlyList<Parameter[]> ParameterGroups { get; }

    /// <summary>The buffer that the parameters are in already, in the same groups; null where there is none.</summary>
    FlatParameters? Flat => null;

    /// <summary>The hash of the training data.</summary>
    string Source { get; }

    /// <summary>What decides the run's curve beside the options and <see cref="Source"/>.</summary>
    IEnumerable<FingerprintEntry> Fingerprint { get; }

    /// <summary>Reads a micro-batch of the shuffled examples, which go on without end.</summary>
    /// <param name="first">The first example's place in their sequence, from 0.</param>
    /// <param name="count">How many examples.</param>
    MicroBatch Read(long first, int count);

    /// <summary>Measures the model on the held-out part, without gradients.</summary>
    /// <param name="batchSize">Examples in a batch.</param>
    /// <param name="maxBatches">The most batches to take.</param>
    /// <param name="cancellationToken">Ends the measurement between two batches.</param>
    /// <returns>Null where nothing is held out.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    HeldOutResult? Evaluate(int batchSize, int maxBatches, CancellationToken cancellationToken);

    /// <summary>Writes the model to the folder of a checkpoint.</summary>
    void WriteModel(string folder);

    /// <summary>Gives the model the weights of a checkpoint's folder.</summary>
    /// <exception cref="InvalidDataException">They are damaged or another model's.</exception>
    void ReadWeights(string folder);
}

/// <summary>Some examples, and the gradients of their loss.</summary>
/// <param name="UnitCount">How many units (tokens, examples) the loss is summed over.</param>
/// <param name="Differentiate">
/// Adds the gradients of the scaled loss to the parameters' <c>grad</c> and returns the unscaled loss, summed over the units: a float64
/// scalar on the model's device.
/// </param>
internal readonly record struct MicroBatch(long UnitCount, Func<StepContext, Tensor> Differentiate);

/// <summary>What a forward and backward pass takes from the step that it is part of.</summary>
/// <param name="Scale">What the summed loss is multiplied by, as 1 / units for a mean.</param>
/// <param name="Seed">Seeds what the scheme draws for this pass.</param>
/// <param name="LayerDone">
/// Called with a layer's index when the gradients of its parameters are complete, from the last layer to the first, as in
/// <see cref="StackPass.Backward(Tensor, Action{int})"/>; null where nobody waits for them.
/// </param>
/// <param name="CancellationToken">Cancels the run; a pass that takes long may end early.</param>
internal readonly record struct StepContext(
    double Scale, long Seed = 0, Action<int>? LayerDone = null, CancellationToken CancellationToken = default);

/// <summary>A model on held-out data.</summary>
/// <param name="Loss">The mean validation loss, nats.</param>
/// <param name="Criterion">The mean of what the best evaluation has the least of: the loss, or a distance from a teacher.</param>
/// <param name="UnitCount">The number of units that these are means over.</param>
/// <param name="Figures">The task's other figures by name, as metrics write them.</param>
internal sealed record HeldOutResult(double Loss, double Criterion, long UnitCount, IReadOnlyDictionary<string, double> Figures);
