using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// The LoRA adapter of a <see cref="Linear"/>: with a rank r and a scale s for each adapted part of its matrix,
/// <code>
///     y += s (x Aᵀ) Bᵀ          A of shape [r, inputs], B of shape [outputs, r]
/// </code>
/// B begins at zero, so that a new adapter changes nothing.
/// </summary>
internal sealed class LowRankAdapter : nn.Module
{
    private readonly AdaptedPart[] _parts;
    private readonly long _inputs;
    private readonly long _outputs;
    private readonly Parameter _down;
    private readonly Parameter[] _ups;
    private readonly double? _commonScale;

    /// <summary>Makes an adapter.</summary>
    /// <param name="make">Makes the parameters.</param>
    /// <param name="linear">The module that it adapts.</param>
    /// <param name="parts">The adapted parts, in the order of the outputs, at least one.</param>
    public LowRankAdapter(ParameterFactory make, Linear linear, IEnumerable<AdaptedPart> parts) : base(nameof(LowRankAdapter))
    {
        _parts = [.. parts];
        _inputs = linear.Inputs;
        _outputs = linear.Parts.Sum(part => part.Rows);
        _down = make.Uniform(_parts.Sum(part => (long)part.Rank), linear.Inputs);
        _ups = [.. _parts.Select(part => make.Zeros(part.Of.Rows, part.Rank))];
        _commonScale = _parts.All(part => part.Scale == _parts[0].Scale) ? _parts[0].Scale : null;
        register_parameter("down", _down);
        for (int i = 0; i < _ups.Length; i++) register_parameter($"up{i}", _ups[i]);
    }

    /// <summary>Adds the low-rank product to the module's output.</summary>
    /// <param name="output">The output, of shape [rows, outputs]; it is changed.</param>
    /// <param name="rows">The input after dropout, of shape [rows, inputs] and of the output's number type.</param>
    /// <returns>The output, in the current dispose scope.</returns>
    public Tensor AddTo(Tensor output, Tensor rows)
    {
        Tensor low = rows.mm(_down.InType(rows.dtype).t());
        return output.addmm_(low, Up().InType(rows.dtype).t(), alpha: (float)(_commonScale ?? 1));
    }

    /// <summary>Returns what is added to the part that begins at an output; null if that part is not adapted.</summary>
    public LowRankPart? PartAt(long first)
    {
        int index = Array.FindIndex(_parts, part => part.Of.First == first);
        if (index < 0) return null;
        long before = _parts.Take(index).Sum(part => (long)part.Rank);
        return new(_down, before, _ups[index], _parts[index].Rank, _parts[index].Scale);
    }

    /// <summary>Returns the matrices under PEFT's names, without the prefix of the layer that the module is in.</summary>
    public IEnumerable<NamedWeight> Weights()
    {
        long before = 0;
        foreach ((AdaptedPart part, Parameter up) in _parts.Zip(_ups))
        {
            yield return new(part.Of.Name + ".lora_A.weight", _down, [part.Rank, _inputs], before);
            yield return new(part.Of.Name + ".lora_B.weight", up, [part.Of.Rows, part.Rank]);
            before += part.Rank;
        }
    }

    /// <summary>
    /// Returns the matrices B of all parts as one of shape [outputs, sum of ranks], with zeros elsewhere, so that one product adds to all
    /// parts in place. Where scales differ, each B is multiplied by its own.
    /// </summary>
    private Tensor Up()
    {
        if (_parts.Length == 1 && _parts[0].Of.Rows == _outputs) return _ups[0];
        var blocks = new List<Tensor>();
        long end = 0, before = 0, ranks = _down.shape[0];
        foreach ((AdaptedPart part, Parameter up) in _parts.Zip(_ups))
        {
            AddZeros(part.Of.First);
            Tensor scaled = _commonScale is null ? up * part.Scale : up;
            blocks.Add(nn.functional.pad(scaled, [before, ranks - before - part.Rank, 0, 0]));
            (end, before) = (part.Of.First + part.Of.Rows, before + part.Rank);
        }
        AddZeros(_outputs);
        return cat(blocks, 0);

        void AddZeros(long to)
        {
            if (to > end) blocks.Add(zeros([to - end, ranks], dtype: _down.dtype, device: _down.device));
        }
    }
}

/// <summary>A part of a <see cref="Linear"/> that an adapter is added to.</summary>
/// <param name="Of">The part.</param>
/// <param name="Rank">r.</param>
/// <param name="Scale">s.</param>
internal readonly record struct AdaptedPart(LinearPart Of, int Rank, double Scale);

/// <summary>What an adapter adds to some rows of a matrix: s B A.</summary>
/// <param name="Down">The matrices A of a module, one below the other.</param>
/// <param name="FirstRank">The first row of this A.</param>
/// <param name="Up">B.</param>
/// <param name="Rank">r.</param>
/// <param name="Scale">s.</param>
internal readonly record struct LowRankPart(Parameter Down, long FirstRank, Parameter Up, int Rank, double Scale)
{
    /// <summary>Returns rows + s B A in float32, in the current dispose scope.</summary>
    public Tensor AddTo(Tensor rows) =>
        rows.to(ScalarType.Float32).addmm(Up, Down.narrow(0, FirstRank, Rank), 1, (float)Scale);
}
