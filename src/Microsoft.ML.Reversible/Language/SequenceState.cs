using System.Text;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Language;

/// <summary>The state of one continuation: its random generator, the tokens drawn so far, and whether it has ended.</summary>
internal sealed class SequenceState
{
    private readonly GenerationOptions _options;
    private readonly TokenSampler _sampler;
    private readonly Random _random;
    private readonly HashSet<int>? _seen;
    private readonly IReadOnlySet<int> _ends;
    private readonly TokenDecoder? _decoder;
    private readonly List<int> _ids = [];

    /// <summary>Creates the state of a new continuation.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="row">The row's index in its batch.</param>
    /// <param name="options">The options.</param>
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

    /// <summary>The drawn ids, without the one that ends the text.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>The continuation as text.</summary>
    public StopText Text { get; }

    /// <summary>Whether the continuation has ended.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Draws the next token.</summary>
    /// <param name="logits">The logits, which are modified.</param>
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
            // A prompt of ids may contain ids from the padding of the model's vocabulary, which are never drawn.
            if (id >= logits.Length) continue;
            double logit = logits[id];
            logits[id] = (float)(logit > 0 ? logit / _options.RepetitionPenalty : logit * _options.RepetitionPenalty);
        }
    }
}

/// <summary>A text that grows piece by piece and ends before its first stop string.</summary>
internal sealed class StopText(IReadOnlyList<string> stops)
{
    private readonly StringBuilder _text = new();
    private readonly int _longest = stops.Count == 0 ? 0 : stops.Max(stop => stop.Length);
    private int _taken;

    /// <summary>Whether the text contained a stop string.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Appends a piece.</summary>
    public void Append(string piece)
    {
        if (Stopped || piece.Length == 0) return;
        int from = Math.Max(0, _text.Length - Math.Max(0, _longest - 1));
        _text.Append(piece);
        if (_longest == 0) return;
        string tail = _text.ToString(from, _text.Length - from);
        int[] found = [.. stops.Select(stop => tail.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0)];
        if (found.Length == 0) return;
        Stopped = true;
        _text.Length = from + found.Min();
    }

    /// <summary>Returns the text not yet returned, except an ending that may be the beginning of a stop string.</summary>
    /// <param name="all">Whether the text is complete, so that the ending is returned too.</param>
    public string Take(bool all)
    {
        int end = all || Stopped ? _text.Length : _text.Length - HeldBack();
        string piece = end > _taken ? _text.ToString(_taken, end - _taken) : "";
        _taken += piece.Length;
        return piece;
    }

    private int HeldBack()
    {
        int most = Math.Min(_longest - 1, _text.Length - _taken);
        if (most <= 0) return 0;
        string tail = _text.ToString(_text.Length - most, most);
        for (int length = most; length > 0; length--)
            if (stops.Any(stop => stop.AsSpan().StartsWith(tail.AsSpan(most - length), StringComparison.Ordinal)))
                return length;
        return 0;
    }
}
