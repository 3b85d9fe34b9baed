using System.Runtime.InteropServices;
using Microsoft.ML.Reversible.Kernels;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// Continues several prompts together, one token each per step. It holds native memory until it is disposed. No dispose scope stays open
/// between calls, so each call may run on another thread.
/// </summary>
internal sealed class GenerationRun : IDisposable
{
    private readonly LanguageModel _model;
    private readonly SequenceBatch _batch;
    private readonly SequenceState[] _rows;
    private readonly int _vocabulary;
    private readonly GenerationInstruments _instruments;
    private int[] _active;
    private bool _started;

    /// <summary>Prepares the run. Nothing is computed yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">The options, already checked.</param>
    /// <exception cref="ArgumentException">A prompt could exceed the context, and the options forbid it.</exception>
    public GenerationRun(LanguageModel model, IReadOnlyList<Prompt> prompts, GenerationOptions options)
    {
        _model = model;
        _instruments = new GenerationInstruments(model.Network.Device.ToString());
        if (options.ContextOverflow == ContextOverflow.Refuse)
            foreach (Prompt prompt in prompts) CheckFits(prompt.Ids.Count, options.MaxTokens);
        // A model's vocabulary may be padded beyond the tokenizer's. Those ids are never drawn.
        _vocabulary = model.HasTokenizer ? model.Tokenizer.VocabularySize : model.Network.Configuration.VocabularySize;
        IReadOnlySet<int> ends = Prompt.EndsOfGeneration(model);
        var sampler = new TokenSampler(options.Temperature, options.TopK, options.TopP);
        _rows = [.. prompts.Select((prompt, row) => new SequenceState(
            prompt, row, options, sampler, prompt.OwnEnds is { } own ? ends.Union(own).ToHashSet() : ends))];
        _active = [.. Enumerable.Range(0, _rows.Length).Where(row => !_rows[row].IsFinished)];
        _batch = new SequenceBatch(model.Network, [.. _active.Select(row => prompts[row].Ids)]);
    }

    /// <summary>The continuations, in the prompts' order.</summary>
    public IReadOnlyList<SequenceState> Rows => _rows;

    /// <summary>Draws one token in every unfinished row.</summary>
    /// <returns>Whether there was an unfinished row.</returns>
    public bool Advance()
    {
        if (_active.Length == 0) return false;
        _model.ThrowIfDisposed();
        _instruments.Compute(_active.Length, Draw);
        return true;
    }

    /// <summary>Draws tokens until every row is finished.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public void Complete(CancellationToken cancellationToken)
    {
        do ThrowIfCancelled(cancellationToken);
        while (Advance());
    }

    /// <summary>Ends a cancelled run: notes for its measurements that it was cancelled, and throws.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public void ThrowIfCancelled(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) _instruments.Cancelled();
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void Dispose()
    {
        _batch.Dispose();
        _instruments.End();
    }

    private void Draw()
    {
        using var scope = NewDisposeScope();
        using var modes = AutogradModes.Default();
        using var noGraph = no_grad();
        Tensor logits = (_started ? _batch.Append([.. _active.Select(row => _rows[row].Ids[^1])]) : _batch.Read()).cpu();
        _started = true;
        for (int i = 0; i < _active.Length; i++)
            _rows[_active[i]].Draw(MemoryMarshal.Cast<byte, float>(logits.select(0, i).bytes)[.._vocabulary]);

        int[] going = [.. Enumerable.Range(0, _active.Length).Where(i => !_rows[_active[i]].IsFinished)];
        if (going.Length == _active.Length) return;
        if (going.Length > 0) _batch.Keep(going);
        _active = [.. going.Select(i => _active[i])];
    }

    private void CheckFits(int prompt, int maxTokens)
    {
        int context = _model.Network.Configuration.ContextLength;
        if (prompt <= context - maxTokens) return;
        throw new ArgumentException(
            $"The prompt's {prompt} tokens and MaxTokens, which is {maxTokens}, together " +
            $"exceed the model's context of {context} tokens. Shorten the prompt, lower MaxTokens, or set ContextOverflow to Slide.");
    }
}
