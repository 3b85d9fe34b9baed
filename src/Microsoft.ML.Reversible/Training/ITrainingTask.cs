using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// The task of a run: parameters, examples and a loss. The loop, the optimizer, checkpoints and resuming depend on this interface alone.
/// </summary>
/// <remarks>If the run has a <see cref="TrainingRun.Checkpoint"/>, the task is created with its weights.</remarks>
internal interface ITrainingTask
{
    /// <summary>The unit that the loss is a mean over, in the plural: <c>tokens</c>, <c>examples</c>.</summary>
    string Unit { get; }

    /// <summary>A short description of the model and the data, for the log.</summary>
    string Description { get; }

    /// <summary>The device of the parameters.</summary>
    Device Device { get; }

    /// <summary>The parameters: a group for each layer in forward order, then a group of all others.</summary>
    IReadOnlyList<Parameter[]> ParameterGroups { get; }

    /// <summary>The buffer that the parameters are in already, in the same groups; null if there is none.</summary>
    FlatParameters? Flat => null;

    /// <summary>The hash of the training data.</summary>
    string Source { get; }

    /// <summary>The number of examples in a pass over the training data, at least 1.</summary>
    long ExamplesPerEpoch { get; }

    /// <summary>The entries of the run's fingerprint besides the options and <see cref="Source"/>.</summary>
    IEnumerable<FingerprintEntry> Fingerprint { get; }

    /// <summary>Reads a micro-batch from the endless sequence of shuffled examples.</summary>
    /// <param name="first">The index of the first example in the sequence, from 0.</param>
    /// <param name="count">The number of examples.</param>
    MicroBatch Read(long first, int count);

    /// <summary>Evaluates the model on the held-out part, without gradients.</summary>
    /// <param name="batchSize">The number of examples in a batch.</param>
    /// <param name="maxBatches">The maximum number of batches.</param>
    /// <param name="cancellationToken">Cancels the evaluation between two batches.</param>
    /// <returns>The result; null if nothing is held out.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    HeldOutResult? Evaluate(int batchSize, int maxBatches, CancellationToken cancellationToken);

    /// <summary>Writes the model to the folder of a checkpoint.</summary>
    void WriteModel(string folder);

    /// <summary>Loads the weights of a checkpoint's folder into the model.</summary>
    /// <exception cref="InvalidDataException">They are damaged, or of another model.</exception>
    void ReadWeights(string folder);
}

/// <summary>Some examples, and the gradients of their loss.</summary>
/// <param name="UnitCount">The number of units (tokens, examples) that the loss is summed over.</param>
/// <param name="Differentiate">
/// Adds the gradients of the scaled loss to the parameters' <c>grad</c> and returns the unscaled loss, summed over the units: a float64
/// scalar on the model's device.
/// </param>
internal readonly record struct MicroBatch(long UnitCount, Func<StepContext, Tensor> Differentiate);

/// <summary>The settings of the current step that a forward and backward pass needs.</summary>
/// <param name="Scale">The factor of the summed loss, for example 1 / units for a mean.</param>
/// <param name="Seed">The seed of the scheme's random draws in this pass.</param>
/// <param name="LayerDone">
/// Called with a layer's index when the gradients of its parameters are complete, from the last layer to the first, as in
/// <see cref="StackPass.Backward(Tensor, Action{int})"/>; null if not needed.
/// </param>
/// <param name="CancellationToken">Cancels the run; a pass that takes long may end early.</param>
internal readonly record struct StepContext(
    double Scale, long Seed = 0, Action<int>? LayerDone = null, CancellationToken CancellationToken = default);

/// <summary>The result of evaluating a model on held-out data.</summary>
/// <param name="Loss">The mean validation loss, nats.</param>
/// <param name="Criterion">The mean of the quantity that the best evaluation minimizes: the loss, or the distance from a teacher.</param>
/// <param name="UnitCount">The number of units that these are means over.</param>
/// <param name="Figures">The task's other figures, by their names in the metrics.</param>
internal sealed record HeldOutResult(double Loss, double Criterion, long UnitCount, IReadOnlyDictionary<string, double> Figures);
