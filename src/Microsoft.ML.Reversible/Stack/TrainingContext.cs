using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>The settings of a pass over whole sequences, beside its input.</summary>
/// <param name="Seed">Seeds all random numbers of the pass.</param>
/// <param name="Documents">The documents that share the rows of the batch; null where each row is one sequence.</param>
/// <param name="Dropout">What is dropped; the default drops nothing.</param>
internal readonly record struct PassSettings(long Seed = 0, TokenDocuments? Documents = null, DropoutRates Dropout = default);

/// <summary>The settings of a pass for some rows of the batch. It owns its tensors, outside every dispose scope.</summary>
internal sealed class PartContext : IDisposable
{
    private readonly PassSettings _settings;
    private readonly Tensor? _tokenWords;
    private readonly Tensor[] _attentionWords = [];

    private PartContext(PassSettings settings, Tensor input, RowRange rows)
    {
        _settings = settings;
        long tokens = input.shape[1];
        if (settings.Documents is { } documents)
        {
            if (documents.Rows != input.shape[0] || documents.Tokens != tokens)
                throw new ArgumentException(
                    $"The documents are of {documents.Rows} rows of {documents.Tokens} tokens, and the input has {input.shape[0]} rows of "
                    + $"{tokens}.",
                    nameof(settings));
            Documents = documents.Groups(rows, input.device);
        }
        if (!settings.Dropout.IsOn) return;
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor words = DropoutKey.TokenWords(settings.Seed, rows.First * tokens, rows.Count * tokens, input.device)
            .view(rows.Count, tokens);
        _tokenWords = words.DetachFromDisposeScope();
        if (settings.Dropout.Attention == 0) return;
        _attentionWords = [.. (Documents?.Split(words) ?? [words.alias()]).Select(of => of.DetachFromDisposeScope())];
    }

    /// <summary>The documents that share these rows; null where each row is one sequence.</summary>
    public DocumentGroups? Documents { get; }

    /// <summary>What is dropped.</summary>
    public DropoutRates Dropout => _settings.Dropout;

    /// <summary>The words of the tokens, int32, of shape [rows, tokens]; there are none where nothing is dropped.</summary>
    public Tensor TokenWords => _tokenWords!;

    /// <summary>
    /// The words of the tokens of each group of documents, int32, of shape [documents, padded tokens]; of the rows where there are no
    /// groups.
    /// </summary>
    public IReadOnlyList<Tensor> AttentionWords => _attentionWords;

    /// <summary>Returns the context for rows of a batch; null if the functions have nothing to read.</summary>
    /// <param name="settings">The settings of the pass.</param>
    /// <param name="input">p₀ of the whole batch; its size and device are used.</param>
    /// <param name="rows">The rows.</param>
    public static PartContext? For(PassSettings settings, Tensor input, RowRange rows) =>
        settings.Documents is null && !settings.Dropout.IsOn ? null : new(settings, input, rows);

    /// <summary>Drops numbers of p₀ before it enters the stack.</summary>
    /// <param name="settings">The settings of the pass.</param>
    /// <param name="input">p₀ of the whole batch.</param>
    /// <returns>p₀ itself if nothing is dropped, else a tensor of its shape, in the current dispose scope.</returns>
    public static Tensor DropInput(PassSettings settings, Tensor input)
    {
        if (settings.Dropout.Residual == 0) return input;
        using var part = new PartContext(settings with { Documents = null }, input, new RowRange(0, input.shape[0]));
        return part.At(DropoutKey.EmbeddingLayer).DropResidual(input);
    }

    /// <summary>Begins an evaluation of a layer's function.</summary>
    public TrainingContext At(int layer) => new(this, layer);

    /// <summary>Returns the key of a draw.</summary>
    public DropoutKey Key(int layer, int draw) => new(_settings.Seed, layer, draw);

    /// <inheritdoc/>
    public void Dispose()
    {
        Documents?.Dispose();
        _tokenWords?.Dispose();
        foreach (Tensor words in _attentionWords) words.Dispose();
    }
}

/// <summary>
/// One evaluation of a layer's function in a pass over whole sequences. The evaluations of a function in a pass, such as those of the
/// forward pass and of the backward pass that rebuilds it, see and draw the same, because they ask for their draws in the same order.
/// </summary>
/// <param name="part">The settings of the pass for the rows of the input.</param>
/// <param name="layer">The layer, from 0.</param>
internal sealed class TrainingContext(PartContext part, int layer) : EvaluationContext
{
    private int _draws;

    /// <summary>The documents that share the rows; null where each row is one sequence.</summary>
    public DocumentGroups? Documents => part.Documents;

    /// <inheritdoc/>
    public override EvaluationContext OfLayerBefore() => part.At(layer - 1);

    /// <summary>Drops numbers of what is added to a hidden state.</summary>
    /// <param name="x">x, of shape [rows, tokens, width].</param>
    /// <returns>x itself if nothing is dropped, else a tensor of its shape, in the current dispose scope.</returns>
    public Tensor DropResidual(Tensor x) => Drop(x, part.Dropout.Residual);

    /// <summary>Drops numbers of an adapter's input.</summary>
    /// <param name="x">x, of shape [rows * tokens, inputs].</param>
    /// <inheritdoc cref="DropResidual"/>
    public Tensor DropAdapterInput(Tensor x) => Drop(x, part.Dropout.Adapter);

    /// <summary>Returns what drops the weights of an attention: for each group of documents, or for all rows; null if nothing does.</summary>
    public IReadOnlyList<AttentionDropout>? DropAttention()
    {
        if (part.Dropout.Attention == 0) return null;
        DropoutKey key = part.Key(layer, _draws++);
        return [.. part.AttentionWords.Select(words => new AttentionDropout(key, words, part.Dropout.Attention))];
    }

    private Tensor Drop(Tensor x, double rate)
    {
        if (rate == 0) return x;
        using var scope = NewDisposeScope();
        long[] shape = x.shape;
        Tensor columns = part.Key(layer, _draws++).ColumnWords(0, shape[^1], x.device);
        return Stack.Dropout.Of(x, part.TokenWords.view([.. shape[..^1], 1]), columns, rate).MoveToOuterDisposeScope();
    }
}
