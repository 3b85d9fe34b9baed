using LLama;
using LLama.Common;
using LLama.Native;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>A GGUF file as llama.cpp reads it, through LLamaSharp.</summary>
internal sealed class LlamaCpp : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;

    /// <summary>Loads a file; the test is inconclusive where the package has no library for the platform.</summary>
    public LlamaCpp(string path, int contextLength)
    {
        var parameters = new ModelParams(path) { ContextSize = (uint)contextLength, GpuLayerCount = 0, Threads = 1, BatchThreads = 1 };
        try
        {
            _weights = LLamaWeights.LoadFromFile(parameters);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or TypeInitializationException)
        {
            throw new AssertInconclusiveException("LLamaSharp has no library for this platform: " + e.Message, e);
        }
        _context = _weights.CreateContext(parameters);
    }

    static LlamaCpp() => NativeLibraryConfig.All.WithLogCallback((_, _) => { });

    /// <summary>The entries of the file's header, as text.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _weights.Metadata;

    public int[] Encode(string text, bool addBegin = false) =>
        [.. _context.Tokenize(text, addBegin, special: false).Select(token => (int)token)];

    /// <summary>Returns the logits of the token after the ids.</summary>
    public float[] Logits(IReadOnlyList<int> ids)
    {
        _context.NativeHandle.MemoryClear();
        return Evaluate(ids, first: 0);
    }

    /// <summary>Returns the ids that follow, each the most likely one.</summary>
    public int[] Greedy(IReadOnlyList<int> prompt, int count)
    {
        var ids = new List<int>();
        float[] logits = Logits(prompt);
        while (true)
        {
            ids.Add(Array.IndexOf(logits, logits.Max()));
            if (ids.Count == count) return [.. ids];
            logits = Evaluate([ids[^1]], prompt.Count + ids.Count - 1);
        }
    }

    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }

    private float[] Evaluate(IReadOnlyList<int> ids, int first)
    {
        var batch = new LLamaBatch();
        for (int i = 0; i < ids.Count; i++) batch.Add(ids[i], first + i, LLamaSeqId.Zero, logits: i == ids.Count - 1);
        Assert.AreEqual(DecodeResult.Ok, _context.NativeHandle.Decode(batch));
        return _context.NativeHandle.GetLogitsIth(ids.Count - 1).ToArray();
    }
}
