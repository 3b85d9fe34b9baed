using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Computes a SHA-256 of values, each with its length, so that different lists of values never have the same bytes.</summary>
internal sealed class TokenizerHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds a number.</summary>
    public void Add(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _hash.AppendData(bytes);
    }

    /// <summary>Adds a text.</summary>
    public void Add(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Add(bytes.Length);
        _hash.AppendData(bytes);
    }

    /// <summary>Adds texts.</summary>
    public void Add(IReadOnlyCollection<string> texts)
    {
        Add(texts.Count);
        foreach (string text in texts) Add(text);
    }

    /// <summary>Adds numbers.</summary>
    public void Add(IReadOnlyCollection<int> values)
    {
        Add(values.Count);
        foreach (int value in values) Add(value);
    }

    /// <summary>Returns the hash as lower-case hexadecimal digits.</summary>
    public string Finish() => Convert.ToHexString(_hash.GetHashAndReset()).ToLowerInvariant();

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
