using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// A batch of sequences that grow by one token at a time, and the logits of each one's next token. A row's result is the same as alone,
/// within rounding. Call it under no_grad.
/// </summary>
internal sealed class SequenceBatch : IDisposable
{
    private readonly LanguageNetwork _network;
    private readonly KeyValueCache _cache;
    private List<int>[] _windows;

    /// <summary>Starts from each prompt, cut to its last tokens if it is longer than the context.</summary>
    public SequenceBatch(LanguageNetwork network, IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        _network = network;
        _cache = new KeyValueCache(prompts.Count, Context);
        _windows = [.. prompts.Select(ids => ids.Skip(Math.Max(0, ids.Count - Context)).ToList())];
    }

    private int Context => _network.Configuration.ContextLength;

    private Device Device => _network.Device;

    /// <summary>Evaluates the prompts.</summary>
    /// <returns>Logits, float32, of shape [rows, vocabulary], in the caller's dispose scope.</returns>
    public Tensor Read()
    {
        using var scope = NewDisposeScope();
        int[] rows = [.. Enumerable.Range(0, _windows.Length)];
        Tensor states = Fill(rows, [.. _windows.Select(window => window.Count)]);
        long padded = states.shape[1];
        Tensor ends = tensor(Array.ConvertAll(rows, row => row * padded + _windows[row].Count - 1), device: Device);
        return Logits(states.flatten(0, 1).index_select(0, ends)).MoveToOuterDisposeScope();
    }

    /// <summary>Appends a token to every row.</summary>
    /// <param name="tokens">The ids, one for each row.</param>
    /// <returns>Logits, float32, of shape [rows, vocabulary], in the caller's dispose scope.</returns>
    public Tensor Append(ReadOnlySpan<int> tokens)
    {
        using var scope = NewDisposeScope();
        Slide();
        for (int row = 0; row < tokens.Length; row++) _windows[row].Add(tokens[row]);
        Tensor ids = tensor(Array.ConvertAll(tokens.ToArray(), id => (long)id), [tokens.Length, 1], device: Device);
        using CachePass pass = _cache.Step(Device);
        Tensor states = _network.Stack.Evaluate(_network.Embed(ids, pass.Positions), pass);
        return Logits(states.squeeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps the given rows, in the given order.</summary>
    public void Keep(int[] rows)
    {
        _windows = [.. rows.Select(row => _windows[row])];
        _cache.Keep(rows, Device);
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>Makes room for one more token: cuts each full row to its last half, counting the token to come.</summary>
    private void Slide()
    {
        int[] full = [.. Enumerable.Range(0, _windows.Length).Where(row => _windows[row].Count == Context)];
        if (full.Length == 0) return;
        int kept = (Context + 1) / 2 - 1;
        foreach (int row in full)
        {
            _windows[row].RemoveRange(0, Context - kept);
            _cache.Clear(row);
        }
        if (kept > 0) Fill(full, [.. full.Select(_ => kept)]);
    }

    private Tensor Fill(int[] rows, int[] lengths)
    {
        using var scope = NewDisposeScope();
        int longest = lengths.Max();
        var ids = new long[rows.Length * longest];
        for (int i = 0; i < rows.Length; i++)
        {
            List<int> window = _windows[rows[i]];
            // No token attends to the padding. It repeats a token of the row, so that exact hidden states stay in range.
            for (int t = 0; t < longest; t++) ids[i * longest + t] = window[Math.Min(t, window.Count - 1)];
        }
        using CachePass pass = _cache.Fill(rows, lengths);
        return _network.Stack.Evaluate(_network.Embed(tensor(ids, [rows.Length, longest], device: Device)), pass).MoveToOuterDisposeScope();
    }

    private Tensor Logits(Tensor states)
    {
        using var scope = NewDisposeScope();
        return _network.Head(_network.FinalNorm(states)).MoveToOuterDisposeScope();
    }
}
