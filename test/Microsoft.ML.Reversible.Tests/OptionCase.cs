namespace Microsoft.ML.Reversible.Tests;

/// <summary>What an option changes, and beside what it changes nothing and must be refused.</summary>
/// <param name="Option">The name of its property.</param>
/// <param name="Change">
/// Sets the option, and what it cannot be set without; a folder for files is given too. Null where no run here can show a change, for
/// <see cref="SameBits"/>.
/// </param>
/// <typeparam name="T">The type of the options.</typeparam>
internal sealed record OptionCase<T>(string Option, Action<T, string>? Change)
{
    /// <summary>What is set in the run without the change too; null for nothing.</summary>
    public Action<T, string>? Base { get; init; }

    /// <summary>Settings of the option beside others with which it has no effect.</summary>
    public Action<T>[] Unused { get; init; } = [];

    /// <summary>Why the option may leave all output as it is; null where it may not.</summary>
    public string? SameBits { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Option;
}
