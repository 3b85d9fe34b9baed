namespace Microsoft.ML.Reversible.Tests;

/// <summary>A change that shows the effect of an option, and settings with which it has no effect and must be refused.</summary>
/// <param name="Option">The name of its property.</param>
/// <param name="Change">
/// Sets the option, and what it cannot be set without; a folder for files is given too. Null where no run here can show a change, for
/// <see cref="SameBits"/>.
/// </param>
/// <typeparam name="T">The type of the options.</typeparam>
internal sealed record OptionCase<T>(string Option, Action<T, string>? Change)
{
    /// <summary>Settings of both runs, with and without the change; null for none.</summary>
    public Action<T, string>? Base { get; init; }

    /// <summary>Settings of the option together with others with which it has no effect.</summary>
    public Action<T>[] Unused { get; init; } = [];

    /// <summary>Why the option may leave all output unchanged; null if it must change it.</summary>
    public string? SameBits { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Option;
}
