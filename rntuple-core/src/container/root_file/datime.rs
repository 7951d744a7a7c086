//! Dates of records (format-spec/container.md, key).

/// Packs a date and time as keys and directories store it: six bits of years since 1995, then month (1 to 12), day (1 to
/// 31), hour, minute and second. What is out of range becomes the nearest value that is not.
#[must_use]
pub fn datime(year: u32, month: u32, day: u32, hour: u32, minute: u32, second: u32) -> u32 {
    (year.clamp(1995, 1995 + 63) - 1995) << 26
        | month.clamp(1, 12) << 22
        | day.clamp(1, 31) << 17
        | hour.min(23) << 12
        | minute.min(59) << 6
        | second.min(59)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known() {
        assert_eq!(datime(1995, 1, 1, 0, 0, 0), 0x0042_0000);
        // As in the files of the specification page.
        assert_eq!(datime(2026, 11, 21, 8, 47, 22), 0x7eea_8bd6);
        assert_eq!(datime(1970, 0, 0, 99, 99, 99), datime(1995, 1, 1, 23, 59, 59));
        assert_eq!(datime(3000, 13, 32, 0, 0, 0), datime(2058, 12, 31, 0, 0, 0));
    }
}
