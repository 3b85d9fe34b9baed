using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Generation;

/// <summary>One continuation: its draws, what it has drawn, and why it ends.</summary>
internal sealed class SequenceState
{
    private readonly GenerationOptions _options;
    private readonly TokenSampler _sampler;
    private readonly Random _random;
    private readonly HashSet<int>? _seen;
    private readonly IReadOnlySet<int> _ends;
    private readonly TokenDecoder? _decoder;
    private readonly List<int> _ids = [];

    /// <summary>Makes the state of a continuation that has just begun.</summary>
    /// <param name="prompt">What is continued.</param>
    /// <param name="row">The row's index in its batch.</param>
    /// <param name="options">How to continue.</param>
    /// <param name="sampler">Draws tokens.</param>
    /// <param name="ends">The tokens that end a text.</param>
    public SequenceState(Prompt prompt, int row, GenerationOptions options, TokenSampler sampler, IReadOnlySet<int> ends)
    {
        _options = options;
        _sampler = sampler;
        _random = new CounterRandom(options.Seed, row);
        _seen = options.RepetitionPenalty == 1 ? null : [.. prompt.Ids];
        _ends = ends;
        _decoder = prompt.MakeDecoder?.Invoke();
        Text = new StopText(options.StopStrings);
        IsFinished = options.MaxTokens == 0;
    }

    /// <summary>The drawn ids, without the end of text.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>The continuation as text.</summary>
    public StopText Text { get; }

    /// <summary>Whether nothing more is drawn.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Draws the next token.</summary>
    /// <param name="logits">Its logits, which are changed.</param>
    public void Draw(Span<float> logits)
    {
        Penalize(logits);
        int id = _sampler.Draw(logits, _random);
        if (_ends.Contains(id))
        {
            Finish();
            return;
        }
        _ids.Add(id);
        _seen?.Add(id);
        if (_decoder is not null) Text.Append(_decoder.Append(id));
        if (Text.Stopped || _ids.Count >= _options.MaxTokens) Finish();
    }

    private void Finish()
    {
        IsFinished = true;
        if (_decoder is not null) Text.Append(_decoder.Finish());
    }

    private void Penalize(Span<float> logits)
    {
        if (_seen is null) return;
        foreach (int id in _seen)
        {
            // A prompt may hold ids of a vocabulary that is padded beyond the tokenizer's; these are never drawn.
            if (id >= logits.Length) continue;
            double logit = logits[id];
            logits[id] = (float)(logit > 0 ? logit / _options.RepetitionPenalty : logit * _options.RepetitionPenalty);
        }
    }
}
