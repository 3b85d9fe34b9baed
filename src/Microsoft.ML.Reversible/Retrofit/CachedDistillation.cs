using System.Globalization;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Losses;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>Distillation from what a teacher has said beforehand; the teacher itself is asked on held-out text only.</summary>
/// <param name="teacher">The teacher.</param>
/// <param name="cache">The teacher's likeliest tokens, at the loss's temperature.</param>
/// <param name="loss">What is charged for a token.</param>
internal sealed class CachedDistillation(LanguageNetwork teacher, TeacherCache cache, DistillationLoss loss) : ITrainingObjective
{
    private readonly DistillationLoss _loss = loss.Temperature == cache.Header.Temperature
        ? loss
        : throw new ArgumentException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"The teacher's cache is of the temperature {cache.Header.Temperature}, but the loss's is {loss.Temperature}."),
            nameof(loss));

    /// <inheritdoc/>
    public bool NeedsFixedWindows => true;

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Settings =>
    [
        new("Teacher", cache.Header.TeacherHash),
        .. Distillation.Describe(_loss),
        new("TeacherTopK", $"{cache.Header.K} in float{8 * cache.Header.ValueBytes}"),
    ];

    /// <inheritdoc/>
    public Tensor Differentiate(LanguageNetwork model, TokenBatch batch, double scale, long seed, Action<int>? layerDone)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(model.Device);
        TopLogits answers = cache.Read(batch, model.Device);
        return LanguageModelLoss.Differentiate(
            model, ids, seed,
            (hidden, rows, gradWeight) => ChunkedDivergence.Differentiate(
                new LinearHead(hidden, model.HeadWeight, model.Compute),
                answers.Chunk(rows.First * ids.shape[1], rows.Count * ids.shape[1]), rows.Of(targets, ids.shape[1]), gradWeight, _loss,
                scale),
            layerDone).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public (double CrossEntropy, double Loss) Evaluate(LanguageNetwork model, TokenBatch batch) =>
        Distillation.Evaluate(teacher, model, batch);
}
