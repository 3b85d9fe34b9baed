using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>The settings of a pass over whole sequences, beside its input.</summary>
/// <param name="Seed">Seeds all random numbers of the pass.</param>
/// <param name="Documents">The documents that share the rows of the batch; null where each row is one sequence.</param>
internal readonly record struct PassSettings(long Seed = 0, TokenDocuments? Documents = null);

/// <summary>The settings of a pass for some rows of the batch. It owns its tensors, outside every dispose scope.</summary>
internal sealed class PartContext : IDisposable
{
    private PartContext(PassSettings settings, Tensor input, RowRange rows)
    {
        if (settings.Documents is { } documents)
        {
            if (documents.Rows != input.shape[0] || documents.Tokens != input.shape[1])
                throw new ArgumentException(
                    $"The documents are of {documents.Rows} rows of {documents.Tokens} tokens, and the input has {input.shape[0]} rows of "
                    + $"{input.shape[1]}.",
                    nameof(settings));
            Documents = documents.Groups(rows, input.device);
        }
    }

    /// <summary>The documents that share these rows; null where each row is one sequence.</summary>
    public DocumentGroups? Documents { get; }

    /// <summary>Returns the context for rows of a batch; null if the functions have nothing to read.</summary>
    /// <param name="settings">The settings of the pass.</param>
    /// <param name="input">p₀ of the whole batch; its size and device are used.</param>
    /// <param name="rows">The rows.</param>
    public static PartContext? For(PassSettings settings, Tensor input, RowRange rows) =>
        settings.Documents is null ? null : new(settings, input, rows);

    /// <summary>Begins an evaluation of a layer's function.</summary>
    public TrainingContext At(int layer) => new(this, layer);

    /// <inheritdoc/>
    public void Dispose() => Documents?.Dispose();
}

/// <summary>
/// One evaluation of a layer's function in a pass over whole sequences. The evaluations of a function in a pass, such as those of the
/// forward pass and of the backward pass that rebuilds it, see the same.
/// </summary>
/// <param name="part">The settings of the pass for the rows of the input.</param>
/// <param name="layer">The layer, from 0.</param>
internal sealed class TrainingContext(PartContext part, int layer) : EvaluationContext
{
    /// <summary>The documents that share the rows; null where each row is one sequence.</summary>
    public DocumentGroups? Documents => part.Documents;

    /// <inheritdoc/>
    public override EvaluationContext OfLayerBefore() => part.At(layer - 1);
}
