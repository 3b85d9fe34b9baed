using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// Sequences that grow by one token at a time, and the logits of what comes next in each. A row gives what it would give alone, within
/// rounding. Use no_grad.
/// </summary>
internal sealed class SequenceBatch : IDisposable
{
    private readonly LanguageNetwork _network;
    private readonly KeyValueCache _cache;
    private List<int>[] _windows;

    /// <summary>Takes the last tokens of each prompt as far as the context reaches.</summary>
    public SequenceBatch(LanguageNetwork network, IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        _network = network;
        _cache = new KeyValueCache(network.Stack, prompts.Count, Context);
        _windows = [.. prompts.Select(ids => ids.Skip(Math.Max(0, ids.Count - Context)).ToList())];
    }

    private int Context => _network.Configuration.ContextLength;

    private Device Device => _network.Device;

    /// <summary>Reads the prompts.</summary>
    /// <returns>Logits, float32, of shape [rows, vocabulary], in the caller's dispose scope.</returns>
    public Tensor Read()
    {
        using var scope = NewDisposeScope();
        int[] rows = [.. Enumerable.Range(0, _windows.Length)];
        Tensor stream = Fill(rows, [.. _windows.Select(window => window.Count)]);
        long padded = stream.shape[1];
        Tensor ends = tensor(Array.ConvertAll(rows, row => row * padded + _windows[row].Count - 1), device: Device);
        return Logits(stream.flatten(0, 1).index_select(0, ends)).MoveToOuterDisposeScope();
    }

    /// <summary>Adds a token to every row.</summary>
    /// <param name="tokens">The ids, one a row.</param>
    /// <returns>Logits, float32, of shape [rows, vocabulary], in the caller's dispose scope.</returns>
    public Tensor Append(ReadOnlySpan<int> tokens)
    {
        using var scope = NewDisposeScope();
        Slide();
        for (int row = 0; row < tokens.Length; row++) _windows[row].Add(tokens[row]);
        Tensor ids = tensor(Array.ConvertAll(tokens.ToArray(), id => (long)id), [tokens.Length, 1], device: Device);
        using CachePass pass = _cache.Step(Device);
        Tensor stream = _network.Stack.Evaluate(_network.Embed(ids, pass.Positions), pass);
        return Logits(stream.squeeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps some rows, in this order.</summary>
    public void Keep(int[] rows)
    {
        _windows = [.. rows.Select(row => _windows[row])];
        _cache.Keep(rows, Device);
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>Makes room for one more token: of a full row the last half is kept, counted with the token to come.</summary>
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
            // Padding stands behind the tokens, where nothing looks; a token that is there anyway keeps exact streams in their range.
            for (int t = 0; t < longest; t++) ids[i * longest + t] = window[Math.Min(t, window.Count - 1)];
        }
        using CachePass pass = _cache.Fill(rows, lengths);
        return _network.Stack.Evaluate(_network.Embed(tensor(ids, [rows.Length, longest], device: Device)), pass).MoveToOuterDisposeScope();
    }

    private Tensor Logits(Tensor stream)
    {
        using var scope = NewDisposeScope();
        return _network.Head(_network.FinalNorm(stream)).MoveToOuterDisposeScope();
    }
}
